// ExecuTorch's thread pool. The package has the library and not its header (extension/threadpool/threadpool.h): these
// are its declarations, as far as they are used.
#pragma once

#include <cstdint>

namespace executorch::extension::threadpool {

class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(uint32_t threads);
};

ThreadPool* get_threadpool();

}  // namespace executorch::extension::threadpool
