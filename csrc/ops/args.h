// Shapes that several operators share. All activations are int8, NHWC, contiguous.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"
#include "runtime/context.h"
#include "runtime/status.h"

namespace mobilekernels {

struct Shape4 {
  int64_t n, h, w, c;
};

// The sliding window of a convolution or a pooling. Padding may differ on the four sides.
struct Window {
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w;
  int64_t pad_top, pad_bottom, pad_left, pad_right;
  int64_t dilation_h, dilation_w;
};

// Scale and zero point of an int8 tensor; real = scale * (q - zero_point).
struct QParams {
  double scale;
  int32_t zero_point;
};

}  // namespace mobilekernels
