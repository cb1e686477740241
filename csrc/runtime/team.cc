#include "runtime/team.h"

#include <atomic>
#include <exception>
#include <thread>

namespace mobilekernels {
namespace {

// A while of spinning, then the processor for whoever has none: the thread that is waited for may be one of them.
void wait_a_little(unsigned* waited) {
  constexpr unsigned kSpins = 4096;
  if (++*waited > kSpins) {
    std::this_thread::yield();
    return;
  }
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

class Team {
 public:
  Team(const Context& outer, void (*body)(void*, const Context&), void* arg) : context_(outer), body_(body), arg_(arg) {
    context_.run_tasks = [](void* team, int tasks, void (*task)(void*, int), void* task_arg) {
      static_cast<Team*>(team)->run(tasks, task, task_arg);
    };
    context_.pool = this;
  }

  // Of each thread that the pool sends. The first to come leads, whichever it is: none waits for one to come.
  void enter() noexcept {
    if (led_.exchange(true, std::memory_order_acq_rel)) {
      help();
      return;
    }
    try {
      body_(arg_, context_);
    } catch (...) {
      error_ = std::current_exception();
    }
    over_.store(true, std::memory_order_release);
  }

  // After all have left.
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  static constexpr int kMostTasks = 0xffff;

  void help() noexcept {
    for (unsigned waited = 0; !over_.load(std::memory_order_acquire);) {
      if (do_next()) {
        waited = 0;
      } else {
        wait_a_little(&waited);
      }
    }
  }

  // Of the leader. It could do all alone: it waits only for tasks that others have begun.
  void run(int tasks, void (*task)(void*, int), void* arg) {
    if (tasks > kMostTasks) {
      for (int i = 0; i < tasks; ++i) task(arg, i);
      return;
    }
    if (tasks < 1) return;
    task_ = task;
    task_arg_ = arg;
    done_.store(0, std::memory_order_relaxed);
    // Task 0 is the leader's, so that with two threads each keeps its part of every operator in its own cache.
    const uint64_t jobs = ++jobs_;
    work_.store(jobs << 32 | static_cast<uint64_t>(tasks) << 16 | 1, std::memory_order_release);
    do_task(0);
    while (do_next()) {
    }
    for (unsigned waited = 0; done_.load(std::memory_order_acquire) != tasks;) wait_a_little(&waited);
    if (failed_.load(std::memory_order_relaxed)) {
      failed_.store(false, std::memory_order_relaxed);
      std::rethrow_exception(task_error_);
    }
  }

  // False where nothing is left to begin. What a claimed task reads stays as it is until the task is counted as done:
  // the leader waits for that before it writes the next job. A claim of an old job fails, as its number is in the word.
  bool do_next() noexcept {
    uint64_t work = work_.load(std::memory_order_acquire);
    const auto next = static_cast<int>(work & 0xffff), tasks = static_cast<int>(work >> 16 & 0xffff);
    if (next >= tasks) return false;
    if (work_.compare_exchange_strong(work, work + 1, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      do_task(next);
    }
    return true;
  }

  void do_task(int i) noexcept {
    try {
      task_(task_arg_, i);
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_acq_rel)) task_error_ = std::current_exception();
    }
    done_.fetch_add(1, std::memory_order_acq_rel);
  }

  Context context_;
  void (*body_)(void*, const Context&);
  void* arg_;
  std::exception_ptr error_;
  uint64_t jobs_ = 0;
  void (*task_)(void*, int) = nullptr;
  void* task_arg_ = nullptr;
  std::exception_ptr task_error_;
  std::atomic<bool> led_{false}, failed_{false};
  // What waiting threads read is not on the line that others write.
  alignas(64) std::atomic<uint64_t> work_{0};  // the job's number, its tasks (16 bits), the next to begin (16 bits)
  std::atomic<bool> over_{false};
  alignas(64) std::atomic<int> done_{0};
};

}  // namespace

void run_as_team(const Context& outer, void (*body)(void*, const Context&), void* arg) {
  if (outer.threads <= 1 || outer.run_tasks == nullptr) {
    body(arg, outer);
    return;
  }
  Team team(outer, body, arg);
  outer.run_tasks(outer.pool, outer.threads, [](void* t, int) { static_cast<Team*>(t)->enter(); }, &team);
  team.rethrow();
}

}  // namespace mobilekernels
