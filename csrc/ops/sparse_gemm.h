// The whole block-sparse GEMM of a convolution or linear layer: images into panels, a block of pixels at a time, and
// row groups by pixels over threads.
#pragma once

#include "ops/rows.h"
#include "pack/format.h"

namespace mobilekernels {

struct SparseGemm {
  RowSource source;
  const PackedWeight& packed;  // format 3
  Epilogue epilogue;           // tables of all groups; residual->data at the start of the residual
  int8_t* out;
  float* out_float;
};

// For any kernel, so that a change of the ISA cap between asking and running does no harm; no packed weight is read.
size_t sparse_gemm_workspace(const RowSource& source, int threads);
void sparse_gemm(const SparseGemm& gemm, const Context& context);

}  // namespace mobilekernels
