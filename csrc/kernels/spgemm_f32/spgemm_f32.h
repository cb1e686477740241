// float32 GEMM by block-sparse weights: the inner part of a convolution or linear layer that was pruned and not
// quantized.
//
//   out[c][p] = clamp(s, lo, hi), where s is bias[c] and then, for each of c's blocks in ascending order and each i in
//               0 .. 3, s = fma(x[4 * quad[block] + i][p], w[block][i][c], s)
//
// A fused multiply-add rounds once, and the order is fixed, so every kernel gives the same bytes; only which of the
// NaNs a NaN is may differ. clamp leaves a NaN one, and -0 is no less than 0. Zeros that lie in no block are not
// multiplied: an infinite activation does not make them NaN.
//
// p runs over output pixels (rows of a linear layer), which vectors hold side by side. A panel is some pixels' k:
//   panel = [quads][4][pixels, rounded up to `vector`]
// k beyond the last is zero in panels as it is in weights. Lanes beyond the last pixel may hold anything, but a NaN or
// a subnormal number there costs time on some cores; they are not written to `out`. Blocks are those of pack/format.h,
// format 4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mobilekernels {

// What callers size their memory by.
constexpr size_t kMostPanelPixelsF32 = 128;

struct SpgemmF32Args {
  size_t pixels;  // of the panel, real ones, at most most_pixels()
  const float* panel;
  size_t channels;        // real ones, the first of them the first of a row group
  size_t block_channels;  // of a row group: 4 or 1
  const uint32_t* begin;  // blocks begin[r] .. begin[r + 1] - 1 are those of row group r, r = 0 the first of this call
  const uint16_t* quad;   // of all blocks, as are the weights
  const float* w;         // [blocks][4][block_channels]
  const float* bias;      // from the first channel on, whole row groups
  float lo, hi;           // lo <= hi; infinities for none
  float* out;
  size_t out_stride;  // elements between output channels; a pixel's neighbour is the next element
};

// to[c][r] = from[r][c]. Nothing but these is read or written.
struct TransposeF32 {
  const float* from;
  size_t from_stride;  // elements between rows
  size_t rows, columns;
  float* to;
  size_t to_stride;
};

struct SpgemmF32Kernel {
  size_t vector;  // pixels of a vector
  // The widest panel that is good for so many k: a multiple of `vector`, at most kMostPanelPixelsF32.
  size_t (*most_pixels)(size_t k, size_t block_channels);
  void (*transpose)(const TransposeF32& args);
  void (*run)(const SpgemmF32Args& args);
  // One pixel, whose k lie side by side in `panel` and whose channels do in `out`. Null: none, use run.
  void (*run_row)(const SpgemmF32Args& args);
};

}  // namespace mobilekernels
