// The loops of every NEON kernel: 16 channels by a panel, then their sums out of scratch memory four pixels at a time.
//
// `Sums` is a struct with
//   static constexpr int kMostVectors4, kMostVectors1;  // vectors of the widest panel, for each kind of block
//   template <int Channels, int Vectors>
//   static void add_blocks(panel, quad, blocks, w, bias, sums);  // one row group, into rows of `Vectors` vectors
#pragma once

#include "kernels/spgemm/transpose_neon_inl.h"

namespace mobilekernels::spgemm_neon {

constexpr size_t kBlockChannels = 4;

// Blocks of four channels use what they load four times, so a panel is what registers hold. Blocks of one channel share
// their own cost between all pixels of a panel, whose quads should stay in the first-level cache, 32 KB on the least of
// the cores.
template <typename Sums>
static inline size_t most_pixels(size_t quads, size_t block_channels) {
  if (block_channels == kBlockChannels) return kVector * Sums::kMostVectors4;
  constexpr size_t kFirstLevelBytes = 32 * 1024;
  constexpr size_t kLeast = 4, kMost = Sums::kMostVectors1;
  const size_t fit = kFirstLevelBytes / (quads * kQuad * kVector);
  return kVector * (fit < kLeast ? kLeast : fit > kMost ? kMost : fit);
}

// All row groups of a tile by one panel.
template <typename Sums, int Channels, int Vectors>
[[gnu::noinline]] static void add_tile(const SpgemmArgs& args, const char* panel, const spgemm_loops::ChannelTile& tile,
                                       int32_t* sums) {
  for (size_t c = 0; c < tile.channels; c += Channels) {
    const uint32_t* begin = args.begin + (tile.first + c) / Channels;
    Sums::template add_blocks<Channels, Vectors>(reinterpret_cast<const int8_t*>(panel), args.quad + begin[0],
                                                 begin[1] - begin[0], args.w + size_t{begin[0]} * Channels * kQuad,
                                                 args.epilogue.bias + tile.first + c, sums + c * Vectors * kVector);
  }
}

template <typename Sums, int Channels, int Vectors>
static inline void add_tile_of(size_t vectors, const SpgemmArgs& args, const char* panel,
                               const spgemm_loops::ChannelTile& tile, int32_t* sums) {
  if (vectors == Vectors) {
    add_tile<Sums, Channels, Vectors>(args, panel, tile, sums);
  } else if constexpr (Vectors > 1) {
    add_tile_of<Sums, Channels, Vectors - 1>(vectors, args, panel, tile, sums);
  }
}

template <typename Sums>
static inline void run(const SpgemmArgs& args) {
  const Output output(args);
  auto* sums = static_cast<int32_t*>(args.scratch);
  spgemm_loops::for_tiles(args, [&](const spgemm_loops::ChannelTile& tile) {
    spgemm_loops::for_panels(args, kVector, [&](const spgemm_loops::Panel& panel) {
      const size_t vectors = panel.stride / kVector;
      if (args.block_channels == kBlockChannels) {
        add_tile_of<Sums, kBlockChannels, Sums::kMostVectors4>(vectors, args, panel.data, tile, sums);
      } else {
        add_tile_of<Sums, 1, Sums::kMostVectors1>(vectors, args, panel.data, tile, sums);
      }
      for (size_t p = 0; p < panel.pixels; p += kVector) {
        const size_t left = panel.pixels - p;
        store_pixels<kVector>(output, panel.first + p, left < kVector ? left : kVector, tile, sums + p, panel.stride);
      }
    });
  });
}

}  // namespace mobilekernels::spgemm_neon
