// float32 linear by block-sparse weights: out[r] = clamp(x[r] . w^T + bias), with the arithmetic of
// kernels/spgemm_f32/spgemm_f32.h.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct LinearF32Args {
  const float* x;  // [rows][in_features]
  int64_t rows;
  int64_t in_features;
  const void* packed;  // pack/format.h, format 4, a 1x1 kernel of one group
  size_t packed_bytes;
  int64_t out_features;
  float lo, hi;  // what the output is clamped to: lo <= hi
  float* out;    // [rows][out_features]
};

size_t linear_f32_workspace(const LinearF32Args& args, int threads);
Status linear_f32(const LinearF32Args& args, const Context& context);

}  // namespace mobilekernels
