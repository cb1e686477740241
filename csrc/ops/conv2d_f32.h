// float32 convolution by block-sparse weights: any kernel, stride, padding, dilation, groups but depthwise. Images are
// NCHW, as PyTorch has them. The arithmetic is that of kernels/spgemm_f32/spgemm_f32.h, k running over (kernel_h,
// kernel_w, channels of the group); padding is zeros that are multiplied like any other value.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct Conv2dF32Args {
  const float* x;
  Shape4 shape;        // sizes only: x is [n][c][h][w]
  const void* packed;  // pack/format.h, format 4
  size_t packed_bytes;
  int64_t out_channels;
  int64_t groups;
  Window window;
  float lo, hi;  // what the output is clamped to: lo <= hi
  float* out;    // [n][out_channels][h][w] of conv2d_output_shape(...)
};

size_t conv2d_f32_workspace(const Conv2dF32Args& args, int threads);
Status conv2d_f32(const Conv2dF32Args& args, const Context& context);

}  // namespace mobilekernels
