#include "segment/run.h"

#include <chrono>
#include <utility>

#include "ops/check.h"
#include "runtime/team.h"
#include "segment/cache.h"
#include "segment/times.h"

namespace mobilekernels::segment {
namespace {

SessionCache& cache() {
  static SessionCache instance;
  return instance;
}

Place place_of(const Plan& plan, int value) {
  const int root = plan.root[static_cast<size_t>(value)];
  const auto at = static_cast<size_t>(root);
  if (plan.output_of[at] >= 0) return {Place::In::output, plan.output_of[at]};
  if (plan.offsets[at] >= 0) return {Place::In::arena, plan.offsets[at]};
  return {Place::In::operand, root};
}

Status make_steps(const std::vector<Operand>& operands, Session* session) {
  const Program& program = session->program;
  const Plan& plan = session->plan;
  std::vector<Operand> inputs;
  for (size_t n = 0; n < program.nodes.size(); ++n) {
    const Node& node = program.nodes[n];
    if (node.op->prepare == nullptr) continue;
    const int value = program.first_result() + static_cast<int>(n);
    Step step{static_cast<int>(n), nullptr, {}, place_of(plan, value)};
    inputs.clear();
    for (const int input : node.inputs) {
      const auto at = static_cast<size_t>(input);
      inputs.push_back(
          {plan.infos[at], at < operands.size() ? operands[at].strides : nullptr, nullptr, plan.u8[at] != 0});
      step.inputs.push_back(place_of(plan, input));
    }
    const Call call{node.op->name,
                    inputs.data(),
                    static_cast<int>(inputs.size()),
                    node.numbers.data(),
                    static_cast<int>(node.numbers.size()),
                    plan.u8[static_cast<size_t>(value)] != 0};
    MOBILEKERNELS_RETURN_IF_ERROR(node.op->prepare(call, plan.infos[static_cast<size_t>(value)], &step.run));
    session->steps.push_back(std::move(step));
  }
  return {};
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A session with the memory of one call.
struct Run {
  const Session& session;
  const std::vector<Operand>& operands;
  void* const* outputs;
  char* arena;
  SegmentTimes* times;  // null: not asked for
  Status status;

  // A view of a strided input is not contiguous either: the strides go with the memory.
  Source source(const Place& place) const {
    if (place.in == Place::In::arena) return {arena + place.at, nullptr};
    if (place.in == Place::In::output) return {outputs[place.at], nullptr};
    const Operand& operand = operands[static_cast<size_t>(place.at)];
    return {operand.data, operand.strides};
  }

  Status run_steps(const Context& context) const {
    constexpr size_t kFew = 8;
    Source few[kFew];
    std::vector<Source> many;
    for (const Step& step : session.steps) {
      if (step.inputs.size() > kFew) many.resize(step.inputs.size());
      Source* inputs = step.inputs.size() > kFew ? many.data() : few;
      for (size_t i = 0; i < step.inputs.size(); ++i) inputs[i] = source(step.inputs[i]);
      void* out = const_cast<void*>(source(step.out).data);
      const int64_t begin = times == nullptr ? 0 : now();
      MOBILEKERNELS_RETURN_IF_ERROR(step.run(inputs, out, context));
      if (times != nullptr) times->operators.push_back({step.node, now() - begin});
    }
    return {};
  }
};

// Runs on `context` as it is, and counts how often an operator went parallel.
Status run_counting(const Run& run, const Context& context, int* count) {
  struct Counter {
    const Context& context;
    int count;
  } counter{context, 0};
  Context counting = context;
  counting.pool = &counter;
  counting.run_tasks = [](void* pool, int tasks, void (*task)(void*, int), void* arg) {
    auto& own = *static_cast<Counter*>(pool);
    ++own.count;
    own.context.run_tasks(own.context.pool, tasks, task, arg);
  };
  const Status status = run.run_steps(counting);
  *count = counter.count;
  return status;
}

Status run_on_threads(Run& run, const Context& context) {
  const std::atomic<int>& jobs = run.session.parallel_jobs;
  if (context.threads <= 1 || context.run_tasks == nullptr || jobs.load(std::memory_order_relaxed) == 0) {
    return run.run_steps(context);
  }
  if (jobs.load(std::memory_order_relaxed) < 0) {
    int count = 0;
    const Status status = run_counting(run, context, &count);
    if (status.ok()) run.session.parallel_jobs.store(count, std::memory_order_relaxed);
    return status;
  }
  if (jobs.load(std::memory_order_relaxed) == 1) return run.run_steps(context);
  run_as_team(
      context,
      [](void* arg, const Context& team) {
        Run& own = *static_cast<Run*>(arg);
        own.status = own.run_steps(team);
      },
      &run);
  return std::move(run.status);
}

}  // namespace

Status open_session(const std::string& text, const std::vector<Operand>& operands, int threads,
                    std::shared_ptr<const Session>* session) {
  const SessionKey key = key_of(text, operands, threads);
  *session = cache().find(key);
  if (*session != nullptr) return {};
  auto made = std::make_shared<Session>();
  made->text = text;
  MOBILEKERNELS_RETURN_IF_ERROR(parse_program(text, &made->program));
  const auto expected = static_cast<size_t>(made->program.first_result());
  if (operands.size() != expected) {
    return value_error("segment: inputs, constants: given " + std::to_string(operands.size()) + " tensors, accepted " +
                       std::to_string(expected));
  }
  MOBILEKERNELS_RETURN_IF_ERROR(make_plan(made->program, operands, threads, &made->plan));
  MOBILEKERNELS_RETURN_IF_ERROR(make_steps(operands, made.get()));
  *session = made;
  cache().insert(key, std::move(made));
  return {};
}

Status run_session(const Session& session, const std::vector<Operand>& operands, void* const* outputs,
                   const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace("segment", context, session.scratch_bytes()));
  std::vector<SegmentTimes>* const record = recording();
  SegmentTimes times{};
  Run run{session, operands, outputs, static_cast<char*>(context.workspace), record == nullptr ? nullptr : &times, {}};
  Context own = context;
  own.workspace = run.arena + session.plan.arena_bytes;
  own.workspace_bytes = context.workspace_bytes - static_cast<size_t>(session.plan.arena_bytes);
  if (record == nullptr) return run_on_threads(run, own);
  times.operators.reserve(session.steps.size());
  const int64_t begin = now();
  const Status status = run_on_threads(run, own);
  times.nanoseconds = now() - begin;
  times.program = session.text;
  if (status.ok()) record->push_back(std::move(times));
  return status;
}

}  // namespace mobilekernels::segment
