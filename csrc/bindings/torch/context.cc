#include "bindings/torch/context.h"

#include <torch/csrc/stable/ops.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace mobilekernels::torch_face {
namespace {

constexpr size_t kAlignment = 64;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Grow-only and one for each calling thread: no allocation in the steady state, and no lock.
void* scratch(size_t bytes) {
  thread_local std::unique_ptr<void, Free> memory;
  thread_local size_t capacity = 0;
  if (bytes > capacity) {
    memory.reset();
    capacity = 0;
    const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    memory.reset(std::aligned_alloc(kAlignment, rounded));
    if (memory == nullptr) throw std::bad_alloc();
    capacity = rounded;
  }
  return memory.get();
}

void run_tasks(void*, int tasks, void (*task)(void* arg, int i), void* arg) {
  torch::stable::parallel_for(0, tasks, 1, [task, arg](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) task(arg, static_cast<int>(i));
  });
}

}  // namespace

int thread_count() { return static_cast<int>(torch::stable::get_num_threads()); }

Context make_context(int threads, size_t workspace_bytes) {
  Context context;
  context.threads = threads;
  context.run_tasks = run_tasks;
  context.workspace = workspace_bytes == 0 ? nullptr : scratch(workspace_bytes);
  context.workspace_bytes = workspace_bytes;
  return context;
}

}  // namespace mobilekernels::torch_face
