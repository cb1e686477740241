// int8 add and mul with NumPy broadcasting.
//   add: f = float(a - za) * float(sa / so) + float(b - zb) * float(sb / so)
//   mul: f = float((a - za) * (b - zb)) * float(sa * sb / so)
//   out = round_half_to_even(clamp(f, lo - zo, hi - zo)) + zo
// Ratios of scales are taken in double, then rounded to float32.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

constexpr int kMaxBinaryDims = 6;

struct BinaryOperand {
  const int8_t* data;  // contiguous
  const int64_t* sizes;
  int dims;
  double scale;
  int32_t zero_point;
};

struct BinaryArgs {
  BinaryOperand a, b;
  double out_scale;
  OutputRange output;
  int8_t* out;  // shape: binary_output_shape
};

// Writes max(a.dims, b.dims) sizes; value_error where the shapes do not broadcast.
Status binary_output_shape(const BinaryOperand& a, const BinaryOperand& b, int64_t* sizes, int* dims);
Status add(const BinaryArgs& args, const Context& context);
Status mul(const BinaryArgs& args, const Context& context);

}  // namespace mobilekernels
