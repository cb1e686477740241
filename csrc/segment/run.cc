#include "segment/run.h"

#include <list>
#include <mutex>
#include <unordered_map>

#include "ops/check.h"

namespace mobilekernels::segment {
namespace {

// What a session depends on beside the text, as bytes to compare.
std::string key_of(const std::string& text, const std::vector<Operand>& operands, int threads) {
  std::string key;
  key.reserve(text.size() + 64 * (operands.size() + 1));
  key = text;
  const auto append = [&key](int64_t value) { key.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  append(threads);
  for (const Operand& operand : operands) {
    append(static_cast<int64_t>(operand.info.dtype) * 16 + operand.info.dims * 2 + (operand.strides != nullptr));
    for (int d = 0; d < operand.info.dims; ++d) append(operand.info.sizes[d]);
  }
  return key;
}

// The latest sessions, least recently used last.
class Cache {
 public:
  std::shared_ptr<const Session> find(const std::string& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }

  void insert(const std::string& key, std::shared_ptr<const Session> session) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (by_key_.count(key) != 0) return;
    order_.emplace_front(key, std::move(session));
    by_key_[key] = order_.begin();
    if (order_.size() <= kMost) return;
    by_key_.erase(order_.back().first);
    order_.pop_back();
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const Session>>;
  static constexpr size_t kMost = 256;
  std::mutex mutex_;
  std::list<Entry> order_;
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

Cache& cache() {
  static Cache instance;
  return instance;
}

}  // namespace

Status open_session(const std::string& text, const std::vector<Operand>& operands, int threads,
                    std::shared_ptr<const Session>* session) {
  const std::string key = key_of(text, operands, threads);
  *session = cache().find(key);
  if (*session != nullptr) return {};
  auto made = std::make_shared<Session>();
  MOBILEKERNELS_RETURN_IF_ERROR(parse_program(text, &made->program));
  const auto expected = static_cast<size_t>(made->program.first_result());
  if (operands.size() != expected) {
    return value_error("segment: inputs, constants: given " + std::to_string(operands.size()) + " tensors, accepted " +
                       std::to_string(expected));
  }
  MOBILEKERNELS_RETURN_IF_ERROR(make_plan(made->program, operands, threads, &made->plan));
  *session = made;
  cache().insert(key, std::move(made));
  return {};
}

Status run_session(const Session& session, const std::vector<Operand>& operands, void* const* outputs,
                   const Context& context) {
  const Program& program = session.program;
  const Plan& plan = session.plan;
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace("segment", context, session.scratch_bytes()));
  char* arena = static_cast<char*>(context.workspace);
  Context own = context;
  own.workspace = arena + plan.arena_bytes;
  own.workspace_bytes = context.workspace_bytes - static_cast<size_t>(plan.arena_bytes);
  const auto memory_of = [&](int value) -> const void* {
    const auto root = static_cast<size_t>(plan.root[static_cast<size_t>(value)]);
    if (plan.output_of[root] >= 0) return outputs[plan.output_of[root]];
    if (plan.offsets[root] >= 0) return arena + plan.offsets[root];
    return operands[root].data;
  };
  constexpr size_t kFew = 8;
  Operand few[kFew];
  std::vector<Operand> many;
  for (size_t n = 0; n < program.nodes.size(); ++n) {
    const Node& node = program.nodes[n];
    if (node.op->run == nullptr) continue;
    const int value = program.first_result() + static_cast<int>(n);
    if (node.inputs.size() > kFew) many.resize(node.inputs.size());
    Operand* inputs = node.inputs.size() > kFew ? many.data() : few;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto input = static_cast<size_t>(node.inputs[i]);
      inputs[i] = {plan.infos[input], input < operands.size() ? operands[input].strides : nullptr,
                   memory_of(node.inputs[i])};
    }
    const Call call{node.op->name, inputs, static_cast<int>(node.inputs.size()), node.numbers.data(),
                    static_cast<int>(node.numbers.size())};
    void* out = const_cast<void*>(memory_of(value));
    MOBILEKERNELS_RETURN_IF_ERROR(node.op->run(call, plan.infos[static_cast<size_t>(value)], out, own));
  }
  return {};
}

}  // namespace mobilekernels::segment
