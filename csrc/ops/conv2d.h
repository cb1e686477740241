// int8 convolution: any kernel, stride, padding, dilation, groups. Depthwise weights run the depthwise kernels,
// block-sparse weights the sparse GEMM kernels over panels, all else the GEMM kernels over rows gathered block by
// block.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

// A residual added after the convolution's own requantization to (conv_output): see ResidualAdd.
struct Conv2dResidual {
  const int8_t* data;  // shape of the output
  QParams params;
  QParams main;  // of the convolution's own int8 result
  QParams sum;   // of the output; its zero point is Conv2dArgs::output's
  OutputRange main_range;
};

struct Conv2dArgs {
  const int8_t* x;
  Shape4 shape;
  const void* packed;  // pack/format.h
  size_t packed_bytes;
  int64_t out_channels;
  int64_t groups;
  Window window;
  int32_t x_zero_point;
  OutputRange output;
  const Conv2dResidual* residual;  // null: none
  int8_t* out;                     // conv2d_output_shape(...)
  float* out_float;  // not null: float(acc) * scale[c] goes here instead; scale packed with output scale 1
  bool x_u8;         // x holds q + 128 as uint8; zero points stay those of int8
  bool out_u8;       // out gets q + 128 as uint8; a residual stays int8
};

// Spatial size of the output, or a value_error that names the argument.
Status conv2d_output_shape(const Shape4& shape, int64_t out_channels, const Window& window, Shape4* out);
size_t conv2d_workspace(const Conv2dArgs& args, int threads);
Status conv2d(const Conv2dArgs& args, const Context& context);

// Whether the kernel that is chosen now is the faster for it. What is asked for is done on every kernel.
bool conv2d_takes_u8(const Conv2dArgs& args);
bool conv2d_writes_u8(const Conv2dArgs& args);

// The kernel family that would run it ("gemm", "spgemm" or "depthwise"), for reports.
const char* conv2d_family(int64_t in_channels, int64_t groups, bool block_sparse);

}  // namespace mobilekernels
