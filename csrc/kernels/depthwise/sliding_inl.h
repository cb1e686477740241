// Depthwise convolution by instructions that sum several products in a lane (vpdpbusd and sdot: four, vpmaddwd: two).
// They want the values of several taps next to each other, channel by channel, so columns of the ring are interleaved,
// kTaps rows of them. That is the dearest step, and an interleaved column serves all output pixels whose windows it is
// in: their sums stay in registers while the window slides along the row, and at each step one pixel is finished and
// one begun. A single row that is left (5 rows by four) goes by kTaps columns, and leaves no places empty.
//
// 3x3 and 5x5 kernels slide, at strides of 1 and 2, where int8 comes out and no residual goes in. All else interleaves
// the taps of each pixel anew.
//
// SlidingIsa<Isa> makes what depthwise_inl.h asks for of an ISA that has kChannels, kLane, Element, copy and Constants,
// and
//   static constexpr int kTaps;         // 2 or 4
//   static constexpr bool kWeightsFit;  // those of 3x3 into registers
//   static constexpr bool kTurns;       // longer code, in which no sums move from register to register
//   using Sums; using Taps;             // of a lane's channels: int32 sums; kTaps values each, interleaved
//   static Taps interleave(const Element* const (&)[Rows]);  // Rows <= kTaps: anything for the rest
//   static void dot<bool Held>(Sums&, const Taps& x, const Taps& w);  // w in registers, or in memory
//   static Taps weights_of(const DepthwiseArgs&, const Block&, const size_t (&taps)[kTaps]);  // kNone: zeros
//   using Tables;                       // what else a lane needs
//   static Tables load_tables(const DepthwiseArgs&, const Constants&, const Block&);
//   static Sums start(const Tables&);   // the sums before the first product
//   static void store(const Row<Element>&, const Tables&, int8_t* out, const Sums&);  // out: the first band's pixel
//   static void store_any(const Row<Element>&, const Tables&, size_t x, const Sums&);  // also float, and residuals
#pragma once

#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::depthwise_loops {

constexpr size_t kNone = ~size_t{0};

// The same for what differs in its code alone.
template <typename Element, typename Tables, typename Taps>
struct UnpackedWeights {
  Tables tables;
  const Taps* terms;
  void (*run_row)(const Row<Element>&, const UnpackedWeights&);
};

template <typename Isa>
using SlidingWeights = UnpackedWeights<typename Isa::Element, typename Isa::Tables, typename Isa::Taps>;

// Terms: each group of rows by columns, then the single row's.
template <typename Isa, int Kernel, int Stride>
struct Sliding {
  static constexpr int kTaps = Isa::kTaps;
  static constexpr int kSingle = Kernel % kTaps == 1 ? 1 : 0;
  static constexpr int kGroups = (Kernel - kSingle + kTaps - 1) / kTaps;
  static constexpr int kSingleTerms = kSingle * ((Kernel + kTaps - 1) / kTaps);
  static constexpr int kTerms = kGroups * Kernel + kSingleTerms;
  static constexpr int kLive = (Kernel - 1) / Stride + 1;  // pixels whose windows overlap
  static constexpr int kSingleAhead = kSingle * (Kernel - 1) / kTaps * kTaps / Stride;

  static void term_taps(size_t term, size_t (&taps)[kTaps]) {
    for (size_t i = 0; i < kTaps; ++i) {
      const bool single = term >= size_t{kGroups * Kernel};
      const size_t row = single ? Kernel - 1 : term / Kernel * kTaps + i;
      const size_t column = single ? (term - kGroups * Kernel) * kTaps + i : term % Kernel;
      taps[i] = row < Kernel && column < Kernel ? row * Kernel + column : kNone;
    }
  }

  static constexpr bool kHold = Isa::kWeightsFit && Kernel == 3;  // weights stay in registers

  using Sums = typename Isa::Sums;

  // The sums of the pixel that is `i` ahead are in acc[(i + turn) % kLive], and each pixel is a turn; or moves sums on.
  struct Slide {
    const typename Isa::Element* rows[Kernel];
    size_t step;  // elements between the window's columns
    const typename Isa::Taps* terms;
    typename Isa::Taps held[kHold ? kTerms : 1];
    Sums acc[kLive];
  };

  template <int Pixel, int Term>
  [[gnu::always_inline]] static inline void add_term(Slide& slide, const typename Isa::Taps& x) {
    if constexpr (kHold) {
      Isa::template dot<true>(slide.acc[Pixel], x, slide.held[Term]);
    } else {
      Isa::template dot<false>(slide.acc[Pixel], x, slide.terms[Term]);
    }
  }

  // Column `Q` of the window of the first live pixel, which is at `at`.
  template <int Q, int Turn>
  [[gnu::always_inline]] static inline void add_column(Slide& slide, size_t at) {
    unroll<kGroups>([&](auto g) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kRows = Kernel - g * kTaps < kTaps ? Kernel - g * kTaps : kTaps;
      const typename Isa::Element* rows[kRows];
      unroll<kRows>([&](auto i)
                        MOBILEKERNELS_INLINE_LAMBDA { rows[i] = slide.rows[g * kTaps + i] + at + Q * slide.step; });
      const typename Isa::Taps column = Isa::interleave(rows);
      unroll<kLive>([&](auto ahead) MOBILEKERNELS_INLINE_LAMBDA {
        constexpr int kColumn = Q - ahead * Stride;
        if constexpr (kColumn >= 0) {
          add_term<(ahead + Turn) % kLive, g * Kernel + kColumn>(slide, column);
        }
      });
    });
  }

  // The single row, from the first column of the window on of the pixel that is `Ahead`.
  template <int Ahead, int Turn>
  [[gnu::always_inline]] static inline void add_single(Slide& slide, size_t at) {
    const typename Isa::Element* columns[kTaps];
    unroll<kTaps>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      columns[i] = slide.rows[Kernel - 1] + at + (Ahead * Stride + i) * slide.step;
    });
    const typename Isa::Taps interleaved = Isa::interleave(columns);
    unroll<kSingleTerms>([&](auto k) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kPixel = Ahead - k * kTaps / Stride;
      if constexpr (kPixel >= 0) {
        add_term<(kPixel + Turn) % kLive, kGroups * Kernel + k>(slide, interleaved);
      }
    });
  }

  // Finishes the first live pixel, and begins the next one.
  template <int Turn>
  [[gnu::always_inline]] static inline void finish_pixel(Slide& slide, size_t at, const Row<typename Isa::Element>& row,
                                                         const typename Isa::Tables& tables, int8_t* out) {
    unroll<Stride>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { add_column<Kernel - Stride + i, Turn>(slide, at); });
    if constexpr (kSingle != 0) add_single<kSingleAhead, Turn>(slide, at);
    Isa::store(row, tables, out, slide.acc[Turn]);
    if constexpr (Isa::kTurns) {
      slide.acc[Turn] = Isa::start(tables);
    } else {
      unroll<kLive - 1>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { slide.acc[i] = slide.acc[i + 1]; });
      slide.acc[kLive - 1] = Isa::start(tables);
    }
  }

  // Pixels x, x + every ... of a row.
  static void run_pixels(const Row<typename Isa::Element>& row, const SlidingWeights<Isa>& weights, size_t x,
                         size_t every) {
    const size_t out_w = row.args.shape.out_w, out_step = every * row.args.out_stride;
    int8_t* out = row.args.out + pixel_index(row.args, row.y, x) * row.args.out_stride + row.block.first;
    Slide slide;
    slide.step = every * Isa::kChannels;
    for (size_t i = 0; i < Kernel; ++i) slide.rows[i] = row.window[i] + row.offset + x * Isa::kChannels;
    slide.terms = weights.terms;
    if constexpr (kHold) unroll<kTerms>([&](auto t) MOBILEKERNELS_INLINE_LAMBDA { slide.held[t] = weights.terms[t]; });
    unroll<kLive>([&](auto pixel) MOBILEKERNELS_INLINE_LAMBDA { slide.acc[pixel] = Isa::start(weights.tables); });
    unroll<Kernel - Stride>([&](auto q) MOBILEKERNELS_INLINE_LAMBDA { add_column<q, 0>(slide, 0); });
    unroll<kSingleAhead>([&](auto pixel) MOBILEKERNELS_INLINE_LAMBDA { add_single<pixel, 0>(slide, 0); });
    size_t left = (out_w - x + every - 1) / every, at = 0;
    while (left > 0) {
      unroll<Isa::kTurns ? kLive : 1>([&](auto turn) MOBILEKERNELS_INLINE_LAMBDA {
        if (left == 0) return;
        finish_pixel<turn>(slide, at, row, weights.tables, out);
        --left;
        at += Stride * slide.step;
        out += out_step;
      });
    }
  }

  // Dilated columns (at a stride of 1): every dilation_w'th pixel shares its columns.
  static void run_row(const Row<typename Isa::Element>& row, const SlidingWeights<Isa>& weights) {
    const size_t every = row.args.shape.dilation_w;
    for (size_t x = 0; x < smaller(every, row.args.shape.out_w); ++x) run_pixels(row, weights, x, every);
  }
};

// Any kernel: kTaps taps a term, in their order.
template <typename Isa>
struct Standing {
  static void run_row(const Row<typename Isa::Element>& row, const SlidingWeights<Isa>& weights) {
    const DepthwiseShape& s = row.args.shape;
    const size_t taps = s.kernel_h * s.kernel_w, step = s.stride_w * Isa::kChannels;
    point_at_taps<Isa>(row);
    // Past the last tap weights are zeros, and any bytes will do.
    for (size_t t = taps; t % Isa::kTaps != 0; ++t) row.taps[t] = row.taps[0];
    for (size_t x = 0, at = 0; x < s.out_w; ++x, at += step) {
      typename Isa::Sums acc = Isa::start(weights.tables);
      const typename Isa::Taps* term = weights.terms;
      for (size_t t = 0; t < taps; t += Isa::kTaps, ++term) {
        const typename Isa::Element* bytes[Isa::kTaps];
        for (size_t i = 0; i < Isa::kTaps; ++i) bytes[i] = row.taps[t + i] + at;
        Isa::template dot<false>(acc, Isa::interleave(bytes), *term);
      }
      Isa::store_any(row, weights.tables, x, acc);
    }
  }
};

template <typename Isa, typename Slider>
static inline bool unpack_sliding(const DepthwiseArgs& args, const Block& block, SlidingWeights<Isa>& weights,
                                  typename Isa::Taps* terms) {
  for (size_t term = 0; term < Slider::kTerms; ++term) {
    size_t taps[Isa::kTaps];
    Slider::term_taps(term, taps);
    terms[term] = Isa::weights_of(args, block, taps);
  }
  weights.run_row = Slider::run_row;
  return true;
}

template <typename Isa, int Kernel>
static inline bool slide(const DepthwiseArgs& args, const Block& block, SlidingWeights<Isa>& weights,
                         typename Isa::Taps* terms) {
  const DepthwiseShape& s = args.shape;
  if (s.kernel_h != Kernel || s.kernel_w != Kernel) return false;
  if (s.stride_w == 1) return unpack_sliding<Isa, Sliding<Isa, Kernel, 1>>(args, block, weights, terms);
  if (s.stride_w == 2 && s.dilation_w == 1) {
    return unpack_sliding<Isa, Sliding<Isa, Kernel, 2>>(args, block, weights, terms);
  }
  return false;
}

template <typename Isa>
static inline SlidingWeights<Isa> unpack_weights(const DepthwiseArgs& args, const typename Isa::Constants& constants,
                                                 const Block& block, Arena& arena) {
  const size_t taps = args.shape.kernel_h * args.shape.kernel_w;
  auto* terms = take<typename Isa::Taps>(arena, (taps + Isa::kTaps - 1) / Isa::kTaps);
  SlidingWeights<Isa> weights{Isa::load_tables(args, constants, block), terms, Standing<Isa>::run_row};
  const bool plain = args.out_float == nullptr && args.epilogue.residual == nullptr;
  if (plain && (slide<Isa, 3>(args, block, weights, terms) || slide<Isa, 5>(args, block, weights, terms))) {
    return weights;
  }
  for (size_t t = 0; t < taps; t += Isa::kTaps) {
    size_t term_taps[Isa::kTaps];
    for (size_t i = 0; i < Isa::kTaps; ++i) term_taps[i] = t + i < taps ? t + i : kNone;
    terms[t / Isa::kTaps] = Isa::weights_of(args, block, term_taps);
  }
  return weights;
}

template <typename Isa>
struct SlidingIsa : Isa {
  using Weights = SlidingWeights<Isa>;
  static Weights unpack_weights(const DepthwiseArgs& args, const typename Isa::Constants& constants, const Block& block,
                                Arena& arena) {
    return depthwise_loops::unpack_weights<Isa>(args, constants, block, arena);
  }
  static void run_row(const Row<typename Isa::Element>& row, const Weights& weights) { weights.run_row(row, weights); }
};

}  // namespace mobilekernels::depthwise_loops
