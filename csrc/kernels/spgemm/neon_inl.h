// The loops of every NEON kernel: 16 channels by a panel. Sums of four channels go from registers to the output, as
// squares of 4 x 4 bytes; those of one channel, and all where the end is not as plain as that, by scratch memory.
//
// `Sums` is a struct with
//   static constexpr int kMostVectors4, kMostVectors1;  // vectors of the widest panel, for each kind of block
//   static constexpr size_t kFirstLevelBytes;           // of the cores' data cache
//   template <int Channels, int Vectors>
//   static void add_blocks(int32x4_t (&sums)[Channels][Vectors], panel, quad, blocks, w, bias);  // one row group
#pragma once

#include "kernels/spgemm/transpose_neon_inl.h"

namespace mobilekernels::spgemm_neon {

constexpr size_t kBlockChannels = 4;

// Blocks of four channels use what they load four times, so a panel is what registers hold. Blocks of one channel share
// their own cost between all pixels of a panel, whose quads should stay in the first-level cache.
template <typename Sums>
static inline size_t most_pixels(size_t quads, size_t block_channels) {
  if (block_channels == kBlockChannels) return kVector * Sums::kMostVectors4;
  constexpr size_t kLeast = 4, kMost = Sums::kMostVectors1;
  const size_t fit = Sums::kFirstLevelBytes / (quads * kVectorBytes);
  return kVector * (fit < kLeast ? kLeast : fit > kMost ? kMost : fit);
}

// Where a row group's sums end: rows of `Vectors` vectors in scratch memory,
struct ToScratch {
  int32_t* sums;

  template <int Channels, int Vectors>
  [[gnu::always_inline]] void take(size_t c, const int32x4_t (&acc)[Channels][Vectors]) const {
    unroll<Channels>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Vectors>([&](auto v)
                          MOBILEKERNELS_INLINE_LAMBDA { vst1q_s32(sums + ((c + i) * Vectors + v) * 4, acc[i][v]); });
    });
  }
};

// or, of four channels, the output.
struct ToOutput {
  const Output& output;
  int8_t* out;  // of the panel's first pixel and the tile's first channel
  const float* scale;

  template <int Vectors>
  [[gnu::always_inline]] void take(size_t c, const int32x4_t (&acc)[kBlockChannels][Vectors]) const {
    const epilogue_neon::Bounds bounds = output.constants.output;
    const float32x4_t scales = vld1q_f32(scale + c);
    const size_t stride = output.gemm.out_stride;
    int8_t* to = out + c;
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      store_four(to, stride, {{acc[0][v], acc[1][v], acc[2][v], acc[3][v]}}, scales, bounds);
    });
  }

  // The same from scratch memory, all row groups of a tile.
  [[gnu::always_inline]] void take_all(const int32_t* sums, size_t channels, size_t pixels) const {
    const epilogue_neon::Bounds bounds = output.constants.output;
    const size_t stride = output.gemm.out_stride;
    for (size_t c = 0; c < channels; c += kBlockChannels) {
      const float32x4_t scales = vld1q_f32(scale + c);
      const int32_t* rows = sums + c * pixels;
      int8_t* to = out + c;
      for (size_t p = 0; p < pixels; p += kVector, rows += kVector) {
        int32x4x4_t acc;
        unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc.val[i] = vld1q_s32(rows + i * pixels); });
        store_four(to, stride, acc, scales, bounds);
      }
    }
  }
};

// All row groups of a tile by one panel.
template <typename Sums, int Channels, int Vectors, typename End>
[[gnu::noinline]] static void add_tile(const SpgemmArgs& args, const char* panel, const spgemm_loops::ChannelTile& tile,
                                       const End& end) {
  for (size_t c = 0; c < tile.channels; c += Channels) {
    const uint32_t* begin = args.begin + (tile.first + c) / Channels;
    int32x4_t acc[Channels][Vectors];
    Sums::add_blocks(acc, reinterpret_cast<const int8_t*>(panel), args.quad + begin[0], begin[1] - begin[0],
                     args.w + size_t{begin[0]} * Channels * kQuad, args.epilogue.bias + tile.first + c);
    end.take(c, acc);
  }
}

template <typename Sums, int Channels, int Vectors, typename End>
static inline void add_tile_of(size_t vectors, const SpgemmArgs& args, const char* panel,
                               const spgemm_loops::ChannelTile& tile, const End& end) {
  if (vectors == Vectors) {
    add_tile<Sums, Channels, Vectors>(args, panel, tile, end);
  } else if constexpr (Vectors > 1) {
    add_tile_of<Sums, Channels, Vectors - 1>(vectors, args, panel, tile, end);
  }
}

template <typename Sums>
static inline void run(const SpgemmArgs& args) {
  const Output output(args);
  const bool plain = args.out_float == nullptr && args.epilogue.residual == nullptr;
  const ToScratch scratch{static_cast<int32_t*>(args.scratch)};
  spgemm_loops::for_tiles(args, [&](const spgemm_loops::ChannelTile& tile) {
    const bool whole_groups = tile.channels % kBlockChannels == 0;
    spgemm_loops::for_panels(args, kVector, [&](const spgemm_loops::Panel& panel) {
      const size_t vectors = panel.stride / kVector;
      const bool direct = plain && whole_groups && panel.pixels == panel.stride;
      const ToOutput out{output, args.out + panel.first * args.out_stride + tile.first,
                         args.epilogue.scale + tile.first};
      if (args.block_channels == kBlockChannels && direct) {
        return add_tile_of<Sums, kBlockChannels, Sums::kMostVectors4>(vectors, args, panel.data, tile, out);
      }
      if (args.block_channels == kBlockChannels) {
        add_tile_of<Sums, kBlockChannels, Sums::kMostVectors4>(vectors, args, panel.data, tile, scratch);
      } else {
        add_tile_of<Sums, 1, Sums::kMostVectors1>(vectors, args, panel.data, tile, scratch);
      }
      if (direct) return out.take_all(scratch.sums, tile.channels, panel.pixels);
      for (size_t p = 0; p < panel.pixels; p += kVector) {
        const size_t left = panel.pixels - p;
        store_pixels<kVector>(output, panel.first + p, left < kVector ? left : kVector, tile, scratch.sums + p,
                              panel.stride);
      }
    });
  });
}

}  // namespace mobilekernels::spgemm_neon
