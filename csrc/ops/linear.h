// int8 linear: out[r] = requantize(x[r] . w^T + bias), a 1x1 convolution without an image.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct LinearArgs {
  const int8_t* x;  // [rows][in_features]
  int64_t rows;
  int64_t in_features;
  const void* packed;
  size_t packed_bytes;
  int64_t out_features;
  int32_t x_zero_point;
  OutputRange output;
  int8_t* out;       // [rows][out_features]
  float* out_float;  // not null: float(acc) * scale[c] goes here instead; scale packed with output scale 1
};

size_t linear_workspace(const LinearArgs& args, int threads);
Status linear(const LinearArgs& args, const Context& context);

}  // namespace mobilekernels
