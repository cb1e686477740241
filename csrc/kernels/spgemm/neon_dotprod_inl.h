// Sums by sdot: a vector of four pixels times one weight quad by lane. The block of four channels is one register whose
// lanes are its channels: 24 sums for seven loads. Of blocks of one channel four share a register, and pixels are read
// for each product. For files compiled with dotprod or better.
#pragma once

#include "kernels/products_neon_dotprod_inl.h"
#include "kernels/spgemm/neon_inl.h"
#include "kernels/spgemm/row_neon_inl.h"

namespace mobilekernels {
namespace {

using products_neon::sdot_lane;
using spgemm_neon::hide;
using spgemm_neon::kVector;
using spgemm_neon::kVectorBytes;
using spgemm_neon::quad_at;

// One instruction each. Two are left to gcc, which makes a pair of them.
template <int N>
[[gnu::always_inline]] inline void load(int8x16_t (&x)[N], const int8_t* from) {
  if constexpr (N == 4) {
    const int8x16x4_t loaded = vld1q_s8_x4(from);
    unroll<N>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { x[i] = loaded.val[i]; });
  } else if constexpr (N == 3) {
    const int8x16x3_t loaded = vld1q_s8_x3(from);
    unroll<N>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { x[i] = loaded.val[i]; });
  } else {
    unroll<N>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { x[i] = vld1q_s8(from + 16 * i); });
  }
}

struct DotprodSums {
  static constexpr int kMostVectors4 = 6;
  static constexpr int kMostVectors1 = 16;
  static constexpr size_t kFirstLevelBytes = 64 * 1024;  // cortex-a76 and later, neoverse-n1

  // Vectors First .. of a panel's quad by the weight quads Lane, Lane + 1 .., one a channel. As many vectors as
  // registers allow are loaded by one instruction.
  template <int Lane, int First, int Channels, int Vectors>
  [[gnu::always_inline]] static void add_pixels(int32x4_t (&acc)[Channels][Vectors], const int8_t* pixels,
                                                int8x16_t w) {
    constexpr int kMost = Channels == 1 ? 4 : 2;
    constexpr int kLoad = Vectors - First < kMost ? Vectors - First : kMost;
    int8x16_t x[kLoad];
    load(x, pixels);
    unroll<kLoad>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA { sdot_lane<Lane + c>(acc[c][First + v], x[v], w); });
    });
    if constexpr (First + kLoad < Vectors) {
      pixels += 16 * kLoad;
      if constexpr (kMost == 4) hide(pixels);  // a load of four has no offset, but leaves its end behind
      add_pixels<Lane, First + kLoad>(acc, pixels, w);
    }
  }

  // `Blocks` of them, which fill whole registers.
  template <int Blocks, int Channels, int Vectors>
  [[gnu::always_inline]] static void add_turn(int32x4_t (&acc)[Channels][Vectors], const int8_t* panel,
                                              const uint16_t* quad, const int8_t* w) {
    int8x16_t weights[Blocks * Channels / 4];
    unroll<Blocks * Channels / 4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { weights[i] = vld1q_s8(w + 16 * i); });
    unroll<Blocks>([&](auto b) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kLane = b * Channels;
      add_pixels<kLane % 4, 0>(acc, quad_at<Vectors * kVectorBytes>(panel, quad[b]), weights[kLane / 4]);
    });
  }

  template <int Channels, int Vectors>
  [[gnu::always_inline]] static void add_blocks(int32x4_t (&acc)[Channels][Vectors], const int8_t* panel,
                                                const uint16_t* quad, size_t blocks, const int8_t* w,
                                                const int32_t* bias) {
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][v] = vdupq_n_s32(bias[c]); });
    });
    constexpr size_t kBlockBytes = Channels * kQuad, kTurn = Channels == 4 ? 2 : 4;
    const uint16_t* const end = quad + blocks;
    for (; quad + kTurn <= end; quad += kTurn, w += kTurn * kBlockBytes) add_turn<kTurn>(acc, panel, quad, w);
    for (; quad != end; ++quad, w += kBlockBytes) {
      const int8x16_t weights = Channels == 4 ? vld1q_s8(w) : spgemm_neon::load_quad(w);
      add_pixels<0, 0>(acc, quad_at<Vectors * kVectorBytes>(panel, *quad), weights);
    }
  }
};

// Two sums: one alone would wait for sdot's latency.
struct DotprodDot {
  int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);

  [[gnu::always_inline]] void add(int8x16_t x, int8x16_t w) { even = vdotq_s32(even, x, w); }
  [[gnu::always_inline]] void add2(int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
    even = vdotq_s32(even, x0, w0);
    odd = vdotq_s32(odd, x1, w1);
  }
  [[gnu::always_inline]] int32x4_t quads() const { return vaddq_s32(even, odd); }
};

}  // namespace
}  // namespace mobilekernels
