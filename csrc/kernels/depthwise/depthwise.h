// int8 depthwise convolution of one NHWC image: each output channel sees one input channel.
//
//   out[y][x][c] = requantize(bias[c] + sum_(i, j) image[y * stride_h + i * dilation_h - pad_top]
//                                                       [x * stride_w + j * dilation_w - pad_left][c / multiplier]
//                                                  * w[i][j][c])                row_begin <= y < row_end, x < out_w
//
// and what lies outside of the image is zero_point, on every side. Weights: panels of 16 channels,
// [ceil(channels/16)][kernel_h][kernel_w][16] (pack/format.h), zero past the last channel, and never -128: two products
// of such weights fit in int16. epilogue.wsum is needed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

struct DepthwiseShape {
  size_t in_h, in_w;
  size_t channels;    // of the output
  size_t multiplier;  // output channels of an input channel
  size_t out_w;
  size_t kernel_h, kernel_w;
  size_t stride_h, stride_w;
  size_t dilation_h, dilation_w;
  size_t pad_top, pad_left;
};

struct DepthwiseArgs {
  DepthwiseShape shape;
  const int8_t* x;
  bool x_u8;  // x has q + 128 (uint8); zero_point is that of the int8 codes all the same
  int8_t zero_point;
  const int8_t* w;
  size_t row_begin, row_end;  // output rows of this call
  int8_t* out;                // row_begin's first pixel; the residual's data begins there, too
  float* out_float;   // not null: float(acc) * scale[c] is written here, and neither `out` nor a residual is touched
  size_t out_stride;  // elements between output pixels; rows follow each other
  Epilogue epilogue;
  void* scratch;  // depthwise_scratch_bytes(), aligned to 64
};

struct DepthwiseKernel {
  void (*run)(const DepthwiseArgs& args);
  bool reads_u8 = false;   // args.x_u8 costs nothing; all kernels can read it
  bool writes_u8 = false;  // args.epilogue.out_u8 may be set
};

// At most what depthwise_inl.h keeps in scratch memory on any ISA: a call may run on another one than was asked for.
static inline size_t depthwise_scratch_bytes(const DepthwiseShape& s) {
  constexpr size_t kColumn = 64;  // bytes of a column of the ring, and of its weights of a tap; parts are aligned to it
  const size_t columns = (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
  const size_t rows = (s.kernel_h - 1) * s.dilation_h + 1;
  const size_t taps = s.kernel_h * s.kernel_w;
  const size_t ring = (rows * columns + 4 * s.dilation_w) * kColumn;
  const size_t pointers = (s.kernel_h + taps + 4) * 8;
  const size_t weights = (taps + 4) * kColumn;
  const size_t waiting = s.out_w * kColumn;
  return (ring + pointers + weights + waiting) / kColumn * kColumn + 4 * kColumn;
}

}  // namespace mobilekernels
