// One pixel (a linear layer at batch 1): weights go by in the order in which they lie, 16 at a time, each quad with the
// one of the row that its index names.
//
// `Dot` is a struct with
//   void add(x, w);              // 16 products into sums of their own
//   void add2(x0, w0, x1, w1);
//   int32x4_t quads() const;     // the sum of each quad's products
#pragma once

#include "kernels/spgemm/transpose_neon_inl.h"

namespace mobilekernels::spgemm_neon {

struct Blocks {
  const int8_t* row;
  const uint16_t* quad;
  const int8_t* w;
  size_t n;
};

// `steps` vectors of weights, x(i) being what is multiplied by vector i.
template <typename Dot, typename X>
[[gnu::always_inline]] static inline void add_vectors(Dot& dot, const int8_t* w, size_t steps, const X& x) {
  size_t i = 0;
  for (; i + 2 <= steps; i += 2) dot.add2(x(i), vld1q_s8(w + 16 * i), x(i + 1), vld1q_s8(w + 16 * i + 16));
  if (i < steps) dot.add(x(i), vld1q_s8(w + 16 * i));
}

// Sums of four channels: a block is a vector.
template <typename Dot>
[[gnu::always_inline]] static inline int32x4_t dot_blocks_of_4(const Blocks& blocks) {
  Dot dot;
  add_vectors(dot, blocks.w, blocks.n, [&](size_t i) MOBILEKERNELS_INLINE_LAMBDA {
    return load_quad(blocks.row + size_t{blocks.quad[i]} * kQuad);
  });
  return dot.quads();
}

[[gnu::always_inline]] static inline int8x16_t gather(const int8_t* row, const uint16_t* quad) {
  int32x4_t x = vreinterpretq_s32_s8(load_quad(row + size_t{quad[0]} * kQuad));
  unroll<3>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
    int32_t dword;
    __builtin_memcpy(&dword, row + size_t{quad[i + 1]} * kQuad, sizeof(dword));
    x = vsetq_lane_s32(dword, x, i + 1);
  });
  return vreinterpretq_s8_s32(x);
}

// The sum of one channel: four blocks a vector.
template <typename Dot>
[[gnu::always_inline]] static inline int32_t dot_blocks_of_1(const Blocks& blocks) {
  Dot dot;
  const size_t steps = blocks.n / 4;
  add_vectors(dot, blocks.w, steps,
              [&](size_t i) MOBILEKERNELS_INLINE_LAMBDA { return gather(blocks.row, blocks.quad + 4 * i); });
  if (steps * 4 < blocks.n) {
    int8_t x[16] = {}, w[16] = {};
    for (size_t b = steps * 4; b < blocks.n; ++b) {
      __builtin_memcpy(x + b % 4 * kQuad, blocks.row + size_t{blocks.quad[b]} * kQuad, kQuad);
      __builtin_memcpy(w + b % 4 * kQuad, blocks.w + b * kQuad, kQuad);
    }
    dot.add(vld1q_s8(x), vld1q_s8(w));
  }
  const int32x4_t sums = dot.quads();
  const int32x2_t halves = vadd_s32(vget_low_s32(sums), vget_high_s32(sums));
  return vget_lane_s32(vpadd_s32(halves, halves), 0);
}

template <typename Dot>
static inline void run_row(const SpgemmArgs& args) {
  const Output output(args);
  spgemm_loops::for_tiles(args, [&](const spgemm_loops::ChannelTile& tile) {
    alignas(16) int32_t sums[spgemm_loops::kTileChannels] = {};
    for (size_t c = 0; c < tile.channels; c += args.block_channels) {
      const uint32_t* begin = args.begin + (tile.first + c) / args.block_channels;
      const Blocks blocks = {static_cast<const int8_t*>(args.panels), args.quad + begin[0],
                             args.w + size_t{begin[0]} * args.block_channels * kQuad, begin[1] - begin[0]};
      if (args.block_channels == 4) {
        vst1q_s32(sums + c, dot_blocks_of_4<Dot>(blocks));
      } else {
        sums[c] = dot_blocks_of_1<Dot>(blocks);
      }
    }
    const gemm_loops::TileOrigin origin = {0, tile.first, tile.channels};
    const int32x4x4_t bias = gemm_loops::load_bias(output.gemm, origin);
    int32x4x4_t acc[1];
    unroll<4>([&](auto i)
                  MOBILEKERNELS_INLINE_LAMBDA { acc[0].val[i] = vaddq_s32(bias.val[i], vld1q_s32(sums + 4 * i)); });
    gemm_loops::store_rows(output.gemm, origin, acc, output.constants);
  });
}

}  // namespace mobilekernels::spgemm_neon
