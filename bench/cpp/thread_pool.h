// The threads behind Context::run_tasks: they spin for a moment between operators, then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {

class ThreadPool {
 public:
  // The caller of run() is one of the threads.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // task(arg, i) for i in [0, tasks), tasks <= threads.
  void run(int tasks, void (*task)(void* arg, int i), void* arg);
  // Context::run_tasks, with the pool behind Context::pool.
  static void run_tasks(void* pool, int tasks, void (*task)(void* arg, int i), void* arg) {
    static_cast<ThreadPool*>(pool)->run(tasks, task, arg);
  }

 private:
  void work(int index);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Written under the mutex before `round_` goes up.
  int tasks_ = 0;
  void (*task_)(void*, int) = nullptr;
  void* arg_ = nullptr;
  bool stop_ = false;
  std::atomic<unsigned> round_{0};
  std::atomic<int> pending_{0};
};

}  // namespace bench
