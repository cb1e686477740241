// The loops around a register tile, for every vector ISA.
//
// A tile is a struct with
//   static constexpr int kRows, kPanels;                  // the largest tile: kRows x (16 * kPanels) channels
//   using Constants;  static Constants load_constants(const Epilogue&);
//   template <int Rows, int Panels> static void run(const GemmArgs&, const TileOrigin&, const Constants&);
// run() computes rows [row, row + Rows) and `channels` channels from `channel` on, of which there are more than
// 16 * (Panels - 1) and at most 16 * Panels.
#pragma once

#include "kernels/gemm/gemm.h"

namespace mobilekernels::gemm_loops {

struct TileOrigin {
  size_t row;
  size_t channel;
  size_t channels;
};

template <typename Tile, int Rows, int Panels>
static inline void run_rows(const GemmArgs& args, const TileOrigin& origin, size_t rows,
                            const typename Tile::Constants& constants) {
  if (rows == Rows) {
    Tile::template run<Rows, Panels>(args, origin, constants);
  } else if constexpr (Rows > 1) {
    run_rows<Tile, Rows - 1, Panels>(args, origin, rows, constants);
  }
}

template <typename Tile, int Panels>
static inline void run_panels(const GemmArgs& args, TileOrigin origin, const typename Tile::Constants& constants) {
  if constexpr (Panels > 1) {
    if (origin.channels <= kPanelChannels * (Panels - 1)) {
      run_panels<Tile, Panels - 1>(args, origin, constants);
      return;
    }
  }
  // All rows for these channels before the next ones: the weights of a tile stay in the first-level cache.
  for (; origin.row < args.rows; origin.row += Tile::kRows) {
    const size_t left = args.rows - origin.row;
    run_rows<Tile, Tile::kRows, Panels>(args, origin, left < Tile::kRows ? left : Tile::kRows, constants);
  }
}

template <typename Tile>
static inline void run(const GemmArgs& args) {
  const typename Tile::Constants constants = Tile::load_constants(args.epilogue);
  constexpr size_t kChannels = kPanelChannels * Tile::kPanels;
  for (size_t c = 0; c < args.channels; c += kChannels) {
    const size_t left = args.channels - c;
    run_panels<Tile, Tile::kPanels>(args, {0, c, left < kChannels ? left : kChannels}, constants);
  }
}

static inline const char* row_pointer(const GemmArgs& args, size_t row) {
  const char* a = static_cast<const char*>(args.a);
  if (args.line_rows == 0) return a + row * args.a_stride;
  return a + row / args.line_rows * args.line_stride + row % args.line_rows * args.a_stride;
}

static inline const int8_t* panel_pointer(const GemmArgs& args, size_t channel) {
  return args.w + channel * args.quads * kQuad;
}

// Where panel `p` of the tile goes in row `row`, and how many of its channels are real.
struct Destination {
  size_t channel;
  size_t n;
  size_t offset;  // elements into out
  const int8_t* residual;
};

static inline Destination destination(const GemmArgs& args, const TileOrigin& origin, size_t row, size_t panel) {
  const size_t channel = origin.channel + panel * kPanelChannels;
  const size_t left = origin.channels - panel * kPanelChannels;
  const ResidualAdd* add = args.epilogue.residual;
  return {channel, left < kPanelChannels ? left : kPanelChannels, row * args.out_stride + channel,
          add == nullptr ? nullptr : add->data + row * add->stride + channel};
}

// Packed rows of plain int8.
static inline void pack_int8(void* dst, const int8_t* src, size_t n) { __builtin_memcpy(dst, src, n); }
static inline void fill_int8(void* dst, int8_t value, size_t n) { __builtin_memset(dst, value, n); }

}  // namespace mobilekernels::gemm_loops
