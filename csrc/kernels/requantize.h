// What a kernel does with an int32 accumulator. One rule on every ISA (docs/design.md, 'Numbers'):
//   q = round_half_to_even(clamp(float(acc) * scale[c], lo - zp, hi - zp)) + zp
// The clamp comes before the rounding: its bounds are integers, so the result is the same, and no
// float is ever out of int32's range, where x86 and ARM conversions differ.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mobilekernels {

// An affine int8 destination: real = scale * (q - zero_point), lo <= q <= hi.
struct OutputRange {
  int32_t zero_point;
  int32_t lo;
  int32_t hi;
};

// int8 tensor added after requantization (a residual connection fused into a convolution):
//   q = requantize((acc's int8 value - main_zero_point) * main_scale + (r - residual_zero_point) * residual_scale)
// both products in float32, no FMA contraction.
struct ResidualAdd {
  const int8_t* data;  // same shape as the output
  size_t stride;       // bytes between rows (pixels)
  float main_scale;    // scale of the accumulator's int8 value / output scale
  float residual_scale;
  int32_t residual_zero_point;
  OutputRange output;  // of the sum
};

// Rows quantized while the operator ran, each with a scale and a zero point of its own. A float result is then
//   float(acc - zero_point[row] * wsum[c]) * (scale[row] * Epilogue::scale[c]) + bias[c]
// the first difference in int32, exact; every float step in float32, no FMA contraction.
struct DynamicRows {
  const float* scale;         // [rows]; null: there are none
  const int32_t* zero_point;  // [rows]
  const float* bias;          // per channel
};

// Per-channel tables are padded to a multiple of 16 channels, so full vectors may be loaded.
struct Epilogue {
  const int32_t* bias;          // input zero point folded in
  const int32_t* wsum;          // sum of each channel's weights; kernels that read activations as q + 128 need it
  const float* scale;           // input scale * weight scale / output scale
  OutputRange output;           // of the requantized accumulator
  const ResidualAdd* residual;  // null: none
  bool out_u8 = false;          // codes are written as q + 128 (uint8); the residual's data is int8 all the same
  DynamicRows rows = {};        // of float results alone
};

}  // namespace mobilekernels
