// What an operator needs from whoever calls it: threads and scratch memory. The torch face lends torch's
// pool, ExecuTorch its own; the core owns neither.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mobilekernels {

struct Context {
  int threads = 1;  // how many tasks may run at once
  // Runs task(arg, i) for each i in [0, tasks) and returns when all are done. Null: one after the other.
  void (*run_tasks)(void* pool, int tasks, void (*task)(void* arg, int i), void* arg) = nullptr;
  void* pool = nullptr;
  // At least what the operator's <op>_workspace() asks for with this `threads`, aligned to 64 bytes.
  void* workspace = nullptr;
  size_t workspace_bytes = 0;
};

// body(task, begin, end) over [0, n) cut into at most context.threads equal parts of at least `grain`.
template <typename Body>
void parallel_for(const Context& context, int64_t n, int64_t grain, const Body& body) {
  if (n <= 0) return;
  const int64_t most = grain > 0 ? (n + grain - 1) / grain : n;
  int64_t tasks = context.run_tasks == nullptr ? 1 : context.threads;
  if (tasks > most) tasks = most;
  if (tasks <= 1) {
    body(0, int64_t{0}, n);
    return;
  }
  struct Job {
    const Body* body;
    int64_t n;
    int64_t tasks;
  } job{&body, n, tasks};
  context.run_tasks(
      context.pool, static_cast<int>(tasks),
      [](void* arg, int i) {
        const Job& j = *static_cast<const Job*>(arg);
        (*j.body)(i, j.n* i / j.tasks, j.n * (i + 1) / j.tasks);
      },
      &job);
}

}  // namespace mobilekernels
