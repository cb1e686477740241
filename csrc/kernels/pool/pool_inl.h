// The bodies of the pooling kernels: plain loops that the compiler vectorises with the flags of each ISA's file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/epilogue_scalar_inl.h"
#include "kernels/pool/pool.h"

namespace mobilekernels::pool_loops {

// Four inputs a pass over the sums, added in int16 first: four int8 always fit.
static inline void accumulate(size_t channels, const int8_t* const* inputs, size_t count, int32_t* __restrict sums) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const int8_t *a = inputs[i], *b = inputs[i + 1], *c = inputs[i + 2], *d = inputs[i + 3];
    for (size_t k = 0; k < channels; ++k) {
      const int16_t sum = static_cast<int16_t>(a[k] + b[k]) + static_cast<int16_t>(c[k] + d[k]);
      sums[k] += sum;
    }
  }
  for (; i < count; ++i) {
    const int8_t* a = inputs[i];
    for (size_t k = 0; k < channels; ++k) sums[k] += a[k];
  }
}

static void finish(size_t channels, const int32_t* sums, int32_t offset, float scale, const OutputRange& output,
                   int8_t* __restrict out) {
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds(output);
  for (size_t k = 0; k < channels; ++k) {
    out[k] = epilogue_scalar::to_int8(static_cast<float>(sums[k] - offset) * scale, bounds);
  }
}

}  // namespace mobilekernels::pool_loops
