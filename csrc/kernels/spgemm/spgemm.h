// int8 GEMM by block-sparse weights: the inner part of a convolution or linear layer most of whose weights are zero.
//
//   out[p][c] = requantize(bias[c] + sum over c's blocks of sum_i a[p][quad][i] * w[block][c][i])
//
// p runs over output pixels (rows of a linear layer), a quad is four consecutive k of the flattened window. Pixels are
// streamed past one weight quad at a time, so activations lie transposed, in panels of some pixels:
//   panel = [quads][pixels of the panel, rounded up to `vector`][4]
// All panels of a call have panel_pixels pixels but for the last one, and lie one after the other. `pack` writes them.
// Blocks are those of pack/format.h, format 3. Only real pixels and channels are written; lanes beyond the last pixel
// may hold anything, and so may k beyond the last: weights are zero there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

// What callers size their memory by.
constexpr size_t kMostPanelPixels = 128;
constexpr size_t kMostVectorPixels = 16;

struct SpgemmArgs {
  size_t pixels;
  size_t panel_pixels;  // a multiple of the kernel's `vector`, at most most_pixels(); anything where there is one panel
  size_t quads;
  const void* panels;
  size_t channels;        // real ones, the first of them the first of a row group, and of 16 channels of the tables
  size_t block_channels;  // of a row group: 4 or 1
  const uint32_t* begin;  // blocks begin[r] .. begin[r + 1] - 1 are those of row group r, r = 0 the first of this call
  const uint16_t* quad;   // of all blocks, as are the weights
  const int8_t* w;        // [blocks][block_channels][4]
  int8_t* out;
  // Not null: float(acc) * scale[c] is written here, or with Epilogue::rows what DynamicRows says, and neither `out`
  // nor a residual is touched.
  float* out_float;
  size_t out_stride;  // elements between output pixels
  void* scratch;      // spgemm_scratch_bytes(quads), aligned to 64
  Epilogue epilogue;  // tables from the first channel on; residual->data points at the residual of out[0][0]
};

// The sums of 16 channels by one panel, and 16 channels' blocks at eight bytes a quad and channel.
constexpr size_t spgemm_scratch_bytes(size_t quads) { return 16 * kMostPanelPixels * sizeof(int32_t) + 16 * 8 * quads; }

// A part of one panel: dword q of row p goes to quad q, pixel p.
struct SpgemmPack {
  void* to;                   // quad 0, pixel 0 of the part
  size_t pixels;              // of the panel, rounded up to `vector`: as many rows are read
  size_t quads;               // of each row; no byte behind them is read
  const int8_t* const* rows;  // [pixels], of any alignment
  uint8_t flip;               // exclusive or with every byte: 0x80 changes between int8 and uint8 codes
};

struct SpgemmKernel {
  size_t vector;  // pixels of a vector
  bool u8;        // panels hold q + 128, and Epilogue::out_u8 is obeyed
  // The widest panel that is good for so many quads: a multiple of `vector`, at most kMostPanelPixels.
  size_t (*most_pixels)(size_t quads, size_t block_channels);
  void (*pack)(const SpgemmPack& args);
  void (*run)(const SpgemmArgs& args);
  // One pixel whose quads lie one after the other as in a plain row, `panels` being that row. Null: none, use run.
  void (*run_row)(const SpgemmArgs& args);
};

}  // namespace mobilekernels
