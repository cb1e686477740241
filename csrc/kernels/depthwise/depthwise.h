// int8 depthwise convolution: one input channel for each output channel.
//
//   out[p][c] = requantize(bias[c] + sum_t input[p * input_step + t][c] * w[t][c])    p < pixels, c < channels
//
// `input` is an indirection buffer: a pointer for each tap of each output pixel, to `channels` int8 values
// (a pixel of the NHWC input, or a row filled with the zero point for padding). Taps of neighbouring
// pixels may overlap. Reads exactly `channels` bytes behind each pointer. Weights: panels of 16 channels,
// [ceil(channels/16)][taps][16] (pack/format.h), zero past the last channel, and never -128: two products of such
// weights fit in int16. epilogue.wsum is needed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

struct DepthwiseArgs {
  size_t pixels;
  size_t channels;
  size_t taps;
  const int8_t* const* input;
  size_t input_step;  // pointers to advance for the next pixel
  const int8_t* w;
  int8_t* out;
  float* out_float;   // not null: float(acc) * scale[c] is written here, and neither `out` nor a residual is touched
  size_t out_stride;  // elements between output pixels
  Epilogue epilogue;
};

struct DepthwiseKernel {
  void (*run)(const DepthwiseArgs& args);
};

}  // namespace mobilekernels
