#include "bindings/executorch/context.h"

#include <executorch/runtime/kernel/thread_parallel_interface.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace mobilekernels::executorch_face {
namespace {

constexpr size_t kAlignment = 64;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Grow-only and one for each calling thread.
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
  ::executorch::extension::parallel_for(0, tasks, 1, [task, arg](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) task(arg, static_cast<int>(i));
  });
}

}  // namespace

int thread_count() {
  const int64_t threads = ::executorch::extension::get_thread_count();
  return threads < 1 ? 1 : static_cast<int>(threads);
}

Context make_context(KernelContext& kernel, int threads, size_t workspace_bytes) {
  Context context;
  context.threads = threads;
  context.run_tasks = run_tasks;
  context.workspace_bytes = workspace_bytes;
  if (workspace_bytes == 0) return context;
  const auto temporary = kernel.allocate_temp(workspace_bytes, kAlignment);
  context.workspace = temporary.ok() ? temporary.get() : scratch(workspace_bytes);
  return context;
}

}  // namespace mobilekernels::executorch_face
