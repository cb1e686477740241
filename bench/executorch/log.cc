#include "log.h"

#include <executorch/runtime/platform/platform.h>

#include <cstdio>

namespace runner {

void show_errors_only() {
  using namespace ::executorch::runtime;
  register_pal(PalImpl::create(
      [](et_timestamp_t, et_pal_log_level_t level, const char*, const char*, size_t, const char* message, size_t) {
        if (level == kError || level == kFatal) std::fprintf(stderr, "executorch: %s\n", message);
      },
      "mk_runner"));
}

}  // namespace runner
