// Linear with float32 in and out and int8 weights: activations are quantized while the operator runs ("dynamic"),
// products and sums are those of int8 linear, of dense and of block-sparse weights.
//
// Rows share one scale and zero point, or have one each. Of a row, or of all rows:
//
// - lo = min(0, x ...), hi = max(0, x ...), where -0 is 0
//
// - scale = max(eps, (hi - lo) / steps), steps = float(quant_max - quant_min);
//   symmetric: max(eps, max(-lo, hi) / (steps / 2))
//
// - zero_point = clamp(quant_min - round_half_to_even(lo / scale), quant_min, quant_max); symmetric: 0
//
// - q = round_half_to_even(clamp(x * float(1 / double(scale)), quant_min - zero_point, quant_max - zero_point)) +
//   zero_point
//
// - out[c] = float(sum_k q[k] * w[c][k] - zero_point * sum_k w[c][k]) * (scale * weight_scale[c]) + bias[c]
//
// The integers are exact (int32), each other step is one in float32. Codes and scales are those of PyTorch's PT2E
// graphs (quantized_decomposed.choose_qparams.tensor and quantize_per_tensor.tensor; determine_qparams in
// torch/ao/quantization/utils.py); a float linear behind them rounds each of its sums, which nothing here does.
//
// Where an x is a NaN or an infinity, or hi - lo is too large for a float, there is no such scale: every output of the
// rows that share it is a NaN. (Which NaN is left open.)
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct DynamicQuantization {
  bool per_row;  // else all rows share one scale and zero point
  bool symmetric;
  int32_t quant_min, quant_max;  // int8 codes at least 15 apart; symmetric: 0 is between them
  double eps;                    // the smallest scale, 2^-100 to 2^100
};

struct LinearDynamicArgs {
  const float* x;  // [rows][in_features]
  int64_t rows;
  int64_t in_features;
  // pack/format.h, format 1 or 3, a 1x1 kernel of one group; zero point and bias 0, scales are the weight's.
  const void* packed;
  size_t packed_bytes;
  const float* bias;  // [out_features]
  int64_t out_features;
  DynamicQuantization quantization;
  float* out;  // [rows][out_features]
};

size_t linear_dynamic_workspace(const LinearDynamicArgs& args, int threads);
Status linear_dynamic(const LinearDynamicArgs& args, const Context& context);

}  // namespace mobilekernels
