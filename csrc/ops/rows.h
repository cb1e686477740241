// From NHWC images to the packed rows that GEMM kernels read: one row for each output pixel, its k values
// (kernel_h, kernel_w, channels of the group) side by side (im2col), a block of rows at a time so that a
// block stays in cache. Packing also changes to the element type of the kernel, and writes padding.
#pragma once

#include "kernels/gemm/gemm.h"
#include "ops/args.h"

namespace mobilekernels {

struct RowSource {
  const int8_t* x;
  Shape4 shape;
  Window window;
  int64_t out_h, out_w;
  int64_t channels;  // of a group
  int32_t zero_point;
  bool u8;  // x holds q + 128

  int64_t rows() const { return shape.n * out_h * out_w; }
  int64_t k() const { return window.kernel_h * window.kernel_w * channels; }
  // Rows that already lie in memory as the GEMM wants them: one row is one pixel.
  bool pixel_rows() const;
  // The taps of a kernel row lie side by side.
  bool contiguous_taps() const;
};

// Packs rows [begin, end) of the group whose first channel is `first_channel` into dst, `stride` bytes a row.
void pack_rows(const RowSource& source, const GemmKernel& kernel, int64_t first_channel, int64_t begin, int64_t end,
               char* dst, size_t stride);

// The whole GEMM of a convolution or linear layer.
struct RowGemm {
  RowSource source;
  const int8_t* w;       // format 1 weights, all groups
  int64_t out_channels;  // all groups
  int64_t groups;
  Epilogue epilogue;  // tables of all groups; residual->data at the start of the residual
  int8_t* out;
  float* out_float;
};

// For any kernel, so that a change of the ISA cap between asking and running does no harm.
size_t row_gemm_workspace(const RowSource& source, int64_t out_channels, int64_t groups, int threads);
void row_gemm(const RowGemm& gemm, const Context& context);

}  // namespace mobilekernels
