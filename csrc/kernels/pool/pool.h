// Pooling over NHWC pixels: maxima of a run of output pixels a call, sums of one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

// Windows of the same columns in the same rows, one behind the other: tap (i, j) of pixel p is the `channels` bytes at
// rows[i] + offset + p * pixel_step + j * column_step. At least one row and one column.
struct MaxLine {
  size_t channels;
  const int8_t* const* rows;
  size_t rows_count, columns, pixels;
  size_t offset, column_step, pixel_step;  // bytes
  int8_t* out;                             // pixels * channels
};

struct PoolKernels {
  // out[p][c] = max over the taps of pixel p
  void (*max_line)(const MaxLine& line);
  // sums[c] += sum over the inputs of x[c]: exact, unscaled
  void (*accumulate)(size_t channels, const int8_t* const* inputs, size_t count, int32_t* sums);
  // out[c] = requantize(float(sums[c] - offset) * scale); offset = count * input zero point
  void (*finish)(size_t channels, const int32_t* sums, int32_t offset, float scale, const OutputRange& output,
                 int8_t* out);
};

}  // namespace mobilekernels
