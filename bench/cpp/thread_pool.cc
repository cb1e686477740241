#include "thread_pool.h"

namespace bench {
namespace {

// Some ten microseconds: longer than what lies between two operators, shorter than anyone would call busy.
constexpr int kSpins = 20000;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back(&ThreadPool::work, this, i);
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    round_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int tasks, void (*task)(void* arg, int i), void* arg) {
  pending_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_ = tasks;
    task_ = task;
    arg_ = arg;
    round_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  task(arg, 0);
  // Every worker reports, with a task or without, so that none still reads this round's when the next is written.
  for (int spins = 0; pending_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins > kSpins) std::this_thread::yield();
  }
}

void ThreadPool::work(int index) {
  for (unsigned seen = 0;;) {
    for (int spins = 0; spins < kSpins && round_.load(std::memory_order_acquire) == seen; ++spins) {
    }
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_.load(std::memory_order_relaxed) != seen; });
    }
    seen = round_.load(std::memory_order_acquire);
    if (stop_) return;
    if (index < tasks_) task_(arg_, index);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace bench
