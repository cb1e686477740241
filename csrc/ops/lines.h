// Convolutions whose GEMM reads the image itself instead of gathered rows: a padded copy of some lines of it, in the
// kernel's element type, in which the taps of a kernel row lie side by side, and the windows of neighbouring output
// pixels overlap. Every byte is written once, where im2col writes it kernel_h * kernel_w times.
#pragma once

#include "ops/rows.h"

namespace mobilekernels {

// Whether it can be done for this convolution, and is faster than gathering rows, with a kernel that reads lines.
bool suits_lines(const RowSource& source, int64_t out_channels, int64_t groups);

size_t line_gemm_workspace(const RowSource& source, int64_t out_channels, int threads);
void line_gemm(const RowGemm& gemm, const GemmKernel& kernel, const Context& context);

}  // namespace mobilekernels
