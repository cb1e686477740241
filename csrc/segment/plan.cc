#include "segment/plan.h"

#include <algorithm>
#include <numeric>

namespace mobilekernels::segment {
namespace {

constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// When a root's memory is in use: from the node that writes it to the last that reads it or a view of it.
struct Life {
  int value;
  int first, last;
  int64_t bytes;
};

bool overlap(const Life& a, const Life& b) { return a.first <= b.last && b.first <= a.last; }

std::vector<Life> lives(const Program& program, const Plan& plan) {
  std::vector<Life> all;
  std::vector<int> index(plan.root.size(), -1);
  for (size_t n = 0; n < program.nodes.size(); ++n) {
    const int value = program.first_result() + static_cast<int>(n);
    if (plan.root[static_cast<size_t>(value)] == value && plan.output_of[static_cast<size_t>(value)] < 0) {
      index[static_cast<size_t>(value)] = static_cast<int>(all.size());
      const int at = static_cast<int>(n);
      all.push_back({value, at, at, aligned(plan.infos[static_cast<size_t>(value)].bytes())});
    }
    for (const int input : program.nodes[n].inputs) {
      const int life = index[static_cast<size_t>(plan.root[static_cast<size_t>(input)])];
      if (life >= 0) all[static_cast<size_t>(life)].last = static_cast<int>(n);
    }
  }
  return all;
}

// The largest first, each at the lowest place that no neighbour in time occupies (Pisarchyk and Lee, "Efficient Memory
// Management for Deep Neural Net Inference", 2020, "greedy by size").
void place(std::vector<Life> all, Plan* plan) {
  std::stable_sort(all.begin(), all.end(), [](const Life& a, const Life& b) { return a.bytes > b.bytes; });
  std::vector<Life> placed;  // by offset
  const auto offset_of = [plan](const Life& life) { return plan->offsets[static_cast<size_t>(life.value)]; };
  for (const Life& life : all) {
    int64_t offset = 0;
    for (const Life& other : placed) {
      if (!overlap(life, other)) continue;
      if (offset + life.bytes <= offset_of(other)) break;
      offset = std::max(offset, offset_of(other) + other.bytes);
    }
    plan->offsets[static_cast<size_t>(life.value)] = offset;
    plan->arena_bytes = std::max(plan->arena_bytes, offset + life.bytes);
    const auto after =
        std::find_if(placed.begin(), placed.end(), [&](const Life& other) { return offset_of(other) > offset; });
    placed.insert(after, life);
  }
}

void measure(const std::vector<Life>& all, Plan* plan) {
  for (const Life& life : all) {
    int64_t alive = 0;
    for (const Life& other : all) {
      if (other.first <= life.first && life.first <= other.last) alive += other.bytes;
    }
    plan->live_bytes = std::max(plan->live_bytes, alive);
    plan->total_bytes += life.bytes;
  }
}

Call call_of(const Node& node, const std::vector<Operand>& inputs) {
  return {node.op->name, inputs.data(), static_cast<int>(inputs.size()), node.numbers.data(),
          static_cast<int>(node.numbers.size())};
}

// A value is kept as q + 128 where who makes it and all who read it are the faster for it. Never what leaves the
// segment, nor what a view shares.
void choose_u8(const Program& program, const std::vector<Operand>& all, Plan* plan) {
  const auto index = [](int value) { return static_cast<size_t>(value); };
  std::vector<char> read(plan->infos.size(), 0);
  std::vector<Operand> inputs;
  for (size_t n = 0; n < program.nodes.size(); ++n) {
    const Node& node = program.nodes[n];
    const size_t value = index(program.first_result()) + n;
    inputs.clear();
    for (const int input : node.inputs) inputs.push_back(all[index(input)]);
    const Call call = call_of(node, inputs);
    plan->u8[value] = node.op->writes_u8 != nullptr && plan->output_of[value] < 0 && node.op->writes_u8(call);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const size_t input = index(node.inputs[i]);
      read[input] = 1;
      if (node.op->reads_u8 == nullptr || !node.op->reads_u8(call, static_cast<int>(i))) plan->u8[input] = 0;
    }
  }
  for (size_t value = 0; value < read.size(); ++value) plan->u8[value] = plan->u8[value] && read[value];
}

}  // namespace

Status make_plan(const Program& program, const std::vector<Operand>& operands, int threads, Plan* plan) {
  *plan = {};
  const auto values = static_cast<size_t>(program.values());
  std::vector<Operand> all = operands;
  all.resize(values);
  plan->root.resize(values);
  std::iota(plan->root.begin(), plan->root.end(), 0);
  plan->offsets.assign(values, -1);
  plan->output_of.assign(values, -1);
  plan->u8.assign(values, 0);
  std::vector<Operand> inputs;
  for (size_t n = 0; n < program.nodes.size(); ++n) {
    const Node& node = program.nodes[n];
    const size_t value = static_cast<size_t>(program.first_result()) + n;
    inputs.clear();
    for (const int input : node.inputs) inputs.push_back(all[static_cast<size_t>(input)]);
    const Call call = call_of(node, inputs);
    MOBILEKERNELS_RETURN_IF_ERROR(node.op->infer(call, &all[value].info));
    if (node.op->prepare == nullptr) plan->root[value] = plan->root[static_cast<size_t>(node.inputs[0])];
    if (node.op->workspace != nullptr) {
      plan->workspace_bytes = std::max(plan->workspace_bytes, node.op->workspace(call, threads));
    }
  }
  for (const Operand& operand : all) plan->infos.push_back(operand.info);
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const int root = plan->root[static_cast<size_t>(program.outputs[i])];
    if (root < program.first_result()) {
      return format_error("segment: program: output " + std::to_string(i) + " is a view of an input");
    }
    int& output = plan->output_of[static_cast<size_t>(root)];
    if (output >= 0) return format_error("segment: program: two outputs share memory");
    output = static_cast<int>(i);
  }
  choose_u8(program, all, plan);
  const std::vector<Life> spans = lives(program, *plan);
  place(spans, plan);
  measure(spans, plan);
  return {};
}

}  // namespace mobilekernels::segment
