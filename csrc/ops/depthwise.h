// The whole depthwise part of a convolution: output rows over threads.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct DepthwiseConv {
  const int8_t* x;
  bool x_u8;  // x has q + 128 (uint8)
  Shape4 shape;
  Window window;
  int64_t out_h, out_w;
  int64_t out_channels;  // a multiple of shape.c
  int32_t x_zero_point;
  const int8_t* w;  // format 2 weights
  Epilogue epilogue;
  int8_t* out;
  float* out_float;
};

size_t depthwise_workspace(const Shape4& shape, const Window& window, int64_t out_w, int64_t out_channels, int threads);
void depthwise_conv(const DepthwiseConv& conv, const Context& context);

}  // namespace mobilekernels
