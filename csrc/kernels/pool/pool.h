// Pooling over NHWC pixels given by pointer, one output pixel a call. Reads `channels` bytes behind each pointer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

struct PoolKernels {
  // out[c] = max over the inputs; count >= 1
  void (*max)(size_t channels, const int8_t* const* inputs, size_t count, int8_t* out);
  // sums[c] += sum over the inputs of x[c]: exact, unscaled
  void (*accumulate)(size_t channels, const int8_t* const* inputs, size_t count, int32_t* sums);
  // out[c] = requantize(float(sums[c] - offset) * scale); offset = count * input zero point
  void (*finish)(size_t channels, const int32_t* sums, int32_t offset, float scale, const OutputRange& output,
                 int8_t* out);
};

}  // namespace mobilekernels
