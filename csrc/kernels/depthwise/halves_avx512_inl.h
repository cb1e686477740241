// 5x5 kernels as sliding_inl.h runs them, but half of a block's channels at a time: those that unpacklo makes of each
// 128-bit lane, then those of unpackhi. With half of the sums all weights fit into registers; loading them, one vector
// a cycle, was the bound. The first half's outputs wait as int16 in a row of scratch memory until the second half packs
// both to bytes.
//
// For small scales only (requantize_small()).
#pragma once

#include "kernels/depthwise/sliding_inl.h"
#include "kernels/epilogue_avx512_inl.h"

namespace mobilekernels::depthwise_loops {

// What a half needs of an ISA beside what sliding_inl.h does: Tables with `start`, `scale`, `waiting`, and
// interleave_half<Half>(), dot_vector<Held>(), load_here(), store_words().
template <typename Isa, int Stride>
struct Halves {
  static constexpr int kKernel = 5, kTaps = 4;
  static constexpr int kTerms = kKernel + 2;                // four rows by columns; the fifth row's columns by four
  static constexpr int kLive = (kKernel - 1) / Stride + 1;  // pixels whose windows overlap
  static constexpr int kSingleAhead = kTaps / Stride;
  static constexpr int kStep = Stride * static_cast<int>(Isa::kChannels);

  // Two vectors: four channels of each 128-bit lane.
  struct Half {
    __m512i v[2];
  };

  struct Slide {
    const uint8_t* rows[kKernel];
    Half weights[kTerms];
    Half acc[kLive];
  };

  static void term_taps(size_t term, size_t (&taps)[kTaps]) { Sliding<Isa, kKernel, Stride>::term_taps(term, taps); }

  template <int Pixel, int Term>
  [[gnu::always_inline]] static inline void add_term(Slide& slide, const Half& x) {
    unroll<2>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
      Isa::template dot_vector<true>(slide.acc[Pixel].v[j], x.v[j], slide.weights[Term].v[j]);
    });
  }

  template <int Part>
  [[gnu::always_inline]] static inline Half interleave(const uint8_t* const (&from)[kTaps]) {
    Half x;
    Isa::template interleave_half<Part>(from, x.v[0], x.v[1]);
    return x;
  }

  // Column `Q` of the window of the first live pixel, which is at `at`.
  template <int Part, int Q>
  [[gnu::always_inline]] static inline void add_column(Slide& slide, size_t at) {
    const uint8_t* rows[kTaps];
    unroll<kTaps>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { rows[i] = slide.rows[i] + at + Q * Isa::kChannels; });
    const Half column = interleave<Part>(rows);
    unroll<kLive>([&](auto ahead) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kColumn = Q - ahead * Stride;
      if constexpr (kColumn >= 0) add_term<ahead, kColumn>(slide, column);
    });
  }

  // Four columns of the fifth row, from the first of the pixel's on that is `Ahead`.
  template <int Part, int Ahead>
  [[gnu::always_inline]] static inline void add_single(Slide& slide, size_t at) {
    const uint8_t* columns[kTaps];
    unroll<kTaps>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      columns[i] = slide.rows[kKernel - 1] + at + (Ahead * Stride + i) * Isa::kChannels;
    });
    const Half interleaved = interleave<Part>(columns);
    add_term<Ahead, kKernel>(slide, interleaved);
    if constexpr (Ahead >= kSingleAhead) add_term<Ahead - kSingleAhead, kKernel + 1>(slide, interleaved);
  }

  template <int Part>
  [[gnu::always_inline]] static inline Half start(const typename Isa::Tables& tables) {
    Half acc;
    unroll<2>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA { Isa::load_here(acc.v[j], tables.start.v[2 * Part + j]); });
    return acc;
  }

  template <int Part>
  static void run_half(const Row<uint8_t>& row, const SlidingWeights<Isa>& weights) {
    const typename Isa::Tables& tables = weights.tables;
    Slide slide;
    unroll<kKernel>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { slide.rows[i] = row.window[i]; });
    unroll<kTerms>([&](auto t) MOBILEKERNELS_INLINE_LAMBDA {
      slide.weights[t] = {{weights.terms[t].v[2 * Part], weights.terms[t].v[2 * Part + 1]}};
    });
    unroll<kLive>([&](auto pixel) MOBILEKERNELS_INLINE_LAMBDA { slide.acc[pixel] = start<Part>(tables); });
    unroll<kKernel - Stride>([&](auto q) MOBILEKERNELS_INLINE_LAMBDA { add_column<Part, q>(slide, 0); });
    unroll<kSingleAhead>([&](auto pixel) MOBILEKERNELS_INLINE_LAMBDA { add_single<Part, pixel>(slide, 0); });
    const size_t out_w = row.args.shape.out_w, out_step = row.args.out_stride;
    int8_t* out = row.args.out + pixel_index(row.args, row.y, 0) * out_step + row.block.first;
    for (size_t x = 0, at = 0; x < out_w; ++x, at += kStep, out += out_step) {
      unroll<Stride>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { add_column<Part, kKernel - Stride + i>(slide, at); });
      add_single<Part, kSingleAhead>(slide, at);
      const __m512i words = Isa::template requantize_half<Part>(tables, slide.acc[0].v[0], slide.acc[0].v[1]);
      if constexpr (Part == 0) {
        _mm512_store_si512(tables.waiting + x, words);
      } else {
        Isa::store_words(row, tables, out, _mm512_load_si512(tables.waiting + x), words);
      }
      unroll<kLive - 1>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { slide.acc[i] = slide.acc[i + 1]; });
      slide.acc[kLive - 1] = start<Part>(tables);
    }
  }

  static void run_row(const Row<uint8_t>& row, const SlidingWeights<Isa>& weights) {
    run_half<0>(row, weights);
    run_half<1>(row, weights);
  }
};

}  // namespace mobilekernels::depthwise_loops
