// The kernel of every vector ISA: a weight is broadcast, and the pixels of a panel go by. Blocks of four channels use
// each vector that they load four times; blocks of one channel load a vector for each product.
//
// `Simd` is a struct with
//   using Vector;  static constexpr int kVector;         // lanes
//   static constexpr int kMostVectors4, kMostVectors1;   // of the widest panel, for each kind of block
//   static Vector load(const float*), set1(float), clamp(Vector, Vector lo, Vector hi);
//   static void store(float* to, Vector, size_t n);      // the first n lanes, or all of them where n is larger
//   template <int j> static W weight(const float* w);    // whatever fma() takes for w[j], a weight of one block
//   static Vector fma(Vector sum, Vector x, W weight);
//   using Four, One;                                     // the same of four lanes and of one, that is floats:
//                                                        // load, set1, clamp, store, fma(sum, x, w)
#pragma once

#include "kernels/spgemm_f32/spgemm_f32.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_f32_loops {

constexpr size_t kQuad = 4;
constexpr int kBlockChannels = 4;

template <typename Simd>
static inline size_t most_pixels(size_t k, size_t block_channels) {
  if (block_channels == kBlockChannels) return Simd::kVector * Simd::kMostVectors4;
  // A block's own cost is shared by all pixels of a panel, which should stay in the first-level cache.
  constexpr size_t kFirstLevelBytes = 32 * 1024;
  constexpr size_t kLeast = 4, kMost = Simd::kMostVectors1;
  const size_t fit = kFirstLevelBytes / (k * sizeof(float) * Simd::kVector);
  return Simd::kVector * (fit < kLeast ? kLeast : fit > kMost ? kMost : fit);
}

// All row groups by a panel of `Vectors` vectors.
template <typename Simd, int Channels, int Vectors>
[[gnu::noinline]] static void run_panel(const SpgemmF32Args& args) {
  using Vector = typename Simd::Vector;
  constexpr size_t kStride = Vectors * Simd::kVector;
  const Vector lo = Simd::set1(args.lo), hi = Simd::set1(args.hi);
  const uint32_t* begin = args.begin;
  for (size_t first = 0; first < args.channels; first += Channels, ++begin) {
    Vector sums[Channels][Vectors];
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { sums[c][v] = Simd::set1(args.bias[first + c]); });
    });
    const float* w = args.w + size_t{begin[0]} * Channels * kQuad;
    const uint16_t* const end = args.quad + begin[1];
    for (const uint16_t* quad = args.quad + begin[0]; quad != end; ++quad, w += Channels * kQuad) {
      const float* pixels = args.panel + size_t{*quad} * kQuad * kStride;
      unroll<kQuad>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        Vector x[Vectors];
        unroll<Vectors>(
            [&](auto v) MOBILEKERNELS_INLINE_LAMBDA { x[v] = Simd::load(pixels + i * kStride + v * Simd::kVector); });
        unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
          const auto weight = Simd::template weight<i * Channels + c>(w);
          unroll<Vectors>([&](auto v)
                              MOBILEKERNELS_INLINE_LAMBDA { sums[c][v] = Simd::fma(sums[c][v], x[v], weight); });
        });
      });
    }
    float* out = args.out + first * args.out_stride;
    const size_t real = args.channels - first;
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      if (size_t{c} >= real) return;
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
        constexpr size_t kDone = v * Simd::kVector;  // fewer than the pixels, or the panel had fewer vectors
        Simd::store(out + c * args.out_stride + kDone, Simd::clamp(sums[c][v], lo, hi), args.pixels - kDone);
      });
    });
  }
}

template <typename Simd, int Channels, int Vectors>
static inline void run_panel_of(size_t vectors, const SpgemmF32Args& args) {
  if (vectors == Vectors) {
    run_panel<Simd, Channels, Vectors>(args);
  } else if constexpr (Vectors > 1) {
    run_panel_of<Simd, Channels, Vectors - 1>(vectors, args);
  }
}

template <typename Simd>
static inline void run(const SpgemmF32Args& args) {
  const size_t vectors = (args.pixels + Simd::kVector - 1) / Simd::kVector;
  if (args.block_channels == kBlockChannels) {
    run_panel_of<Simd, kBlockChannels, Simd::kMostVectors4>(vectors, args);
  } else {
    run_panel_of<Simd, 1, Simd::kMostVectors1>(vectors, args);
  }
}

// The sum of a row group of one channel.
struct One {
  using Vector = float;
  [[gnu::always_inline]] static float load(const float* p) { return *p; }
  [[gnu::always_inline]] static float set1(float value) { return value; }
  [[gnu::always_inline]] static float fma(float sum, float x, float w) { return __builtin_fmaf(x, w, sum); }
  [[gnu::always_inline]] static float clamp(float v, float lo, float hi) { return v < lo ? lo : v > hi ? hi : v; }
  [[gnu::always_inline]] static void store(float* to, float v, size_t) { *to = v; }
};

// `Groups` row groups at once: each sum waits for its last addition, so others go between.
template <typename Sum, int Channels, int Groups>
[[gnu::always_inline]] static inline void run_row_groups(const SpgemmF32Args& args, size_t row_group) {
  using Vector = typename Sum::Vector;
  const auto add = [&](Vector& sum, size_t block) MOBILEKERNELS_INLINE_LAMBDA {
    const float* x = args.panel + size_t{args.quad[block]} * kQuad;
    const float* w = args.w + block * Channels * kQuad;
    unroll<kQuad>(
        [&](auto i) MOBILEKERNELS_INLINE_LAMBDA { sum = Sum::fma(sum, Sum::set1(x[i]), Sum::load(w + i * Channels)); });
  };
  const uint32_t* begin = args.begin + row_group;
  const size_t first = row_group * Channels;
  Vector sums[Groups];
  size_t common = begin[1] - begin[0];
  unroll<Groups>([&](auto g) MOBILEKERNELS_INLINE_LAMBDA {
    sums[g] = Sum::load(args.bias + first + g * Channels);
    const size_t blocks = begin[g + 1] - begin[g];
    common = blocks < common ? blocks : common;
  });
  for (size_t b = 0; b < common; ++b) {
    unroll<Groups>([&](auto g) MOBILEKERNELS_INLINE_LAMBDA { add(sums[g], begin[g] + b); });
  }
  const Vector lo = Sum::set1(args.lo), hi = Sum::set1(args.hi);
  unroll<Groups>([&](auto g) MOBILEKERNELS_INLINE_LAMBDA {
    for (size_t b = begin[g] + common; b < begin[g + 1]; ++b) add(sums[g], b);
    const size_t channel = first + g * Channels;
    Sum::store(args.out + channel, Sum::clamp(sums[g], lo, hi), args.channels - channel);
  });
}

template <typename Sum, int Channels>
[[gnu::noinline]] static void run_row_of(const SpgemmF32Args& args) {
  constexpr int kGroups = 8;
  const size_t row_groups = (args.channels + Channels - 1) / Channels;
  size_t r = 0;
  for (; r + kGroups <= row_groups; r += kGroups) run_row_groups<Sum, Channels, kGroups>(args, r);
  for (; r < row_groups; ++r) run_row_groups<Sum, Channels, 1>(args, r);
}

template <typename Simd>
static inline void run_row(const SpgemmF32Args& args) {
  if (args.block_channels == kBlockChannels) {
    run_row_of<typename Simd::Four, kBlockChannels>(args);
  } else {
    run_row_of<typename Simd::One, 1>(args);
  }
}

// Squares of `Size` by block(from, from_stride, to, to_stride), and what is left one by one.
template <int Size, typename Block>
static inline void transpose_blocks(const TransposeF32& args, const Block& block) {
  const size_t rows = args.rows / Size * Size, columns = args.columns / Size * Size;
  for (size_t r = 0; r < rows; r += Size) {
    for (size_t c = 0; c < columns; c += Size) {
      block(args.from + r * args.from_stride + c, args.from_stride, args.to + c * args.to_stride + r, args.to_stride);
    }
  }
  for (size_t r = 0; r < args.rows; ++r) {
    for (size_t c = r < rows ? columns : 0; c < args.columns; ++c) {
      args.to[c * args.to_stride + r] = args.from[r * args.from_stride + c];
    }
  }
}

}  // namespace mobilekernels::spgemm_f32_loops
