// int8 GEMM: the inner part of every convolution with more than one channel a group, and of linear.
//
//   out[r][c] = requantize(bias[c] + sum_k a[r][k] * w[c][k])        r < rows, c < channels
//
// Activations come as packed rows: `quads` groups of four consecutive k, in the element type that the
// kernel asks for (`pack`), zero past the last k. Weights are panels of 16 channels x quads of 4 k
// (pack/format.h), zero past the last channel and the last k. Only real rows and channels are written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

constexpr size_t kPanelChannels = 16;
constexpr size_t kQuad = 4;

struct GemmArgs {
  size_t rows;
  size_t channels;
  size_t quads;     // of k, the last one padded with zeros
  const void* a;    // packed rows
  size_t a_stride;  // bytes between packed rows
  const int8_t* w;  // panel p starts at w + p * quads * 64
  int8_t* out;
  // Not null: float(acc) * scale[c] is written here, or with Epilogue::rows what DynamicRows says, and neither `out`
  // nor a residual is touched.
  float* out_float;
  size_t out_stride;  // elements between output rows
  void* scratch;      // null, or gemm_scratch_bytes(quads), aligned to 64: a kernel may be faster with it
  Epilogue epilogue;  // residual->data points at the residual of out[0][0]
  // Rows read where they lie in an image, by kernels with `reads_lines`. All zero: one after the other.
  size_t line_rows = 0;    // row r begins at (r / line_rows) * line_stride + (r % line_rows) * a_stride; 7 divides it
  size_t line_stride = 0;  // bytes
  size_t segments = 0;     // a row's quads are so many equal runs,
  size_t segment_stride = 0;  // so many bytes from one's start to the next one's
};

// Room for one panel of weights rearranged, an even number of quads, at two bytes a weight.
constexpr size_t gemm_scratch_bytes(size_t quads) { return (quads + 1) / 2 * 2 * kQuad * kPanelChannels * 2; }

struct GemmKernel {
  size_t mr;             // rows of a register tile: callers cut blocks at multiples of it
  size_t nr;             // channels of a register tile, a multiple of 16
  size_t element_bytes;  // of a packed activation
  bool int8_rows;        // packed form = plain int8: rows that already have the right padding need no packing
  // dst[0 .. n) = src[0 .. n) in the kernel's element type. dst may be src where
  // element_bytes is 1 and int8_rows false.
  void (*pack)(void* dst, const int8_t* src, size_t n);
  // dst[0 .. n) = value in the kernel's element type (padding pixels, k tails).
  void (*fill)(void* dst, int8_t value, size_t n);
  void (*run)(const GemmArgs& args);
  // Packed form = q + 128, so that rows that are uint8 already need no packing; and Epilogue::out_u8 is obeyed.
  bool writes_u8 = false;
  bool reads_lines = false;  // obeys GemmArgs::line_rows and what follows it; element_bytes is 1
};

}  // namespace mobilekernels
