// vpmaddwd: 16 channels of a pixel at a time, two taps an instruction. The ring has int16; those of two taps are
// interleaved, so that each int32 lane gets the sum of two products, exactly. Interleaving leaves channels 0..3
// and 8..11 in the first vector, 4..7 and 12..15 in the second; packing has them in order again.
#include "kernels/depthwise/sliding_inl.h"
#include "kernels/epilogue_avx2_inl.h"

namespace mobilekernels {
namespace avx2 {
namespace {

using namespace depthwise_loops;
using namespace epilogue_avx2;

struct Pair {
  __m256i v[2];
};

// Between channels in order and the order of interleaving: its own inverse.
[[gnu::always_inline]] inline Pair swap_lanes(__m256i a, __m256i b) {
  return {{_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31)}};
}

template <typename T>
Pair load_table(const T* table) {
  const auto* in_order = reinterpret_cast<const __m256i*>(table);
  return swap_lanes(_mm256_loadu_si256(in_order), _mm256_loadu_si256(in_order + 1));
}

struct Isa {
  static constexpr size_t kChannels = 32, kLane = 16;
  using Element = int16_t;

  static void copy(Element* to, const int8_t* from, size_t pixels, size_t step, size_t n) {
    for (; pixels > 0; --pixels, to += kChannels, from += step) {
      for (size_t c = 0; c < n; c += kLane) {
        const __m256i words = _mm256_cvtepi8_epi16(load_bytes(from + c, smaller(n - c, kLane)));
        _mm256_store_si256(reinterpret_cast<__m256i*>(to + c), words);
      }
    }
  }

  using Constants = epilogue_avx2::Constants;
  static Constants load_constants(const Epilogue& e) { return epilogue_avx2::load_constants(e); }

  static constexpr int kTaps = 2;
  static constexpr bool kWeightsFit = false;
  static constexpr bool kTurns = false;
  using Sums = Pair;
  using Taps = Pair;

  [[gnu::always_inline]] static inline Taps interleave(const Element* const (&columns)[2]) {
    const __m256i a = _mm256_load_si256(reinterpret_cast<const __m256i*>(columns[0]));
    const __m256i b = _mm256_load_si256(reinterpret_cast<const __m256i*>(columns[1]));
    return {{_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)}};
  }

  template <bool>
  [[gnu::always_inline]] static inline void dot(Sums& acc, const Taps& x, const Taps& w) {
    unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { dot_vector(acc.v[i], x.v[i], w.v[i]); });
  }

  static Taps weights_of(const DepthwiseArgs& args, const Block& block, const size_t (&taps)[2]) {
    alignas(32) int16_t rows[2][kLane] = {};
    for (size_t i = 0; i < 2; ++i) {
      if (taps[i] != kNone) copy(rows[i], weights_at(args, block.first, taps[i]), 1, 0, kPanel);
    }
    return interleave({rows[0], rows[1]});
  }

  struct Tables {
    const Constants* constants;
    Pair start, scale;
    __m256i zero_point;
  };

  static Tables load_tables(const DepthwiseArgs& args, const Constants& constants, const Block& block) {
    const Epilogue& e = args.epilogue;
    return {&constants, load_table(e.bias + block.first), load_table(e.scale + block.first),
            constants.output.zero_point};
  }

  [[gnu::always_inline]] static inline Sums start(const Tables& tables) {
    Sums acc;
    unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { load_here(acc.v[i], tables.start.v[i]); });
    return acc;
  }

  [[gnu::always_inline]] static inline void store(const Row<Element>& row, const Tables& tables, int8_t* out,
                                                  const Sums& acc) {
    Pair q;
    unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(acc.v[i]), _mm256_castsi256_ps(tables.scale.v[i]));
      q.v[i] = clamp_and_round(f, tables.constants->output);
    });
    const __m256i words = _mm256_add_epi16(_mm256_packs_epi32(q.v[0], q.v[1]), tables.zero_point);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    store_bytes(out, row.block.n, bytes);
  }

  static void store_any(const Row<Element>& row, const Tables& tables, size_t x, const Sums& acc) {
    const DepthwiseArgs& args = row.args;
    const size_t pixel = pixel_index(args, row.y, x), c = row.block.first, to = pixel * args.out_stride + c;
    const Pair sums = swap_lanes(acc.v[0], acc.v[1]);
    if (args.out_float != nullptr) {
      store16_float(args.out_float + to, row.block.n, sums.v[0], sums.v[1], args.epilogue.scale + c);
    } else {
      store16(args.out + to, row.block.n, residual_at(args, pixel, c), sums.v[0], sums.v[1], args.epilogue.scale + c,
              *tables.constants);
    }
  }

 private:
  // gcc would sum products first and load weights ahead, and spill; asm does as written.
  [[gnu::always_inline]] static inline void dot_vector(__m256i& acc, __m256i x, __m256i w) {
    __m256i products;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(acc), "=&x"(products) : "x"(x), "xm"(w));
  }

  // gcc would keep a copy of what is loaded again and again, and spill others for it.
  [[gnu::always_inline]] static inline void load_here(__m256i& to, const __m256i& from) {
    __asm__ volatile("vmovdqa %1, %0" : "=x"(to) : "m"(from));
  }
};

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run<SlidingIsa<Isa>>};

}  // namespace avx2
}  // namespace mobilekernels
