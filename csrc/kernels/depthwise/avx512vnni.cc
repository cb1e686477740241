// vpdpbusd: 64 channels of a pixel at a time (or 32 in two bands, 16 in four), four taps an instruction. It wants
// unsigned activations: the ring has x + 128 (a flip of the top bit), and sums start at bias - 128 * wsum. Interleaving
// columns leaves their channels in the order of transpose_lanes().
#include "kernels/depthwise/halves_avx512_inl.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

using namespace depthwise_loops;
using namespace epilogue_avx512;

__mmask64 first_bytes(size_t n) { return ~uint64_t{0} >> (64 - n); }

struct Isa {
  static constexpr size_t kChannels = 64, kLane = 64;
  using Element = uint8_t;

  template <typename Code>
  static void copy(uint8_t* to, const Code* from, size_t pixels, size_t step, size_t n) {
    const __m512i flip = _mm512_set1_epi8(std::is_signed_v<Code> ? -128 : 0);
    if (n == kChannels / 2) {
      for (; pixels > 0; --pixels, to += kChannels, from += step) {
        const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_xor_si256(x, _mm512_castsi512_si256(flip)));
      }
      return;
    }
    const __mmask64 channels = first_bytes(n);
    for (; pixels > 0; --pixels, to += kChannels, from += step) {
      const __m512i x = n == kChannels ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(channels, from);
      _mm512_mask_storeu_epi8(to, channels, _mm512_xor_si512(x, flip));
    }
  }

  using Constants = epilogue_avx512::Constants;
  static Constants load_constants(const Epilogue& e) { return epilogue_avx512::load_constants(e); }

  static constexpr int kTaps = 4;
  static constexpr bool kWeightsFit = true;
  static constexpr bool kTurns = false;  // the longer code is 1 to 4 % slower at a stride of 1
  using Sums = Quad;
  using Taps = Quad;

  // The four bytes of a channel next to each other.
  template <int Columns>
  [[gnu::always_inline]] static inline Taps interleave(const Element* const (&columns)[Columns]) {
    static_assert(Columns >= 3, "fewer rows go by columns");
    const Pair first = interleave(load(columns[0]), load(columns[1]));
    const __m512i third = load(columns[2]);
    return interleave(first, interleave(third, Columns == 4 ? load(columns[Columns - 1]) : third));
  }

  template <bool Held>
  [[gnu::always_inline]] static inline void dot(Sums& acc, const Taps& x, const Taps& w) {
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA { dot_vector<Held>(acc.v[j], x.v[j], w.v[j]); });
  }

  static Taps weights_of(const DepthwiseArgs& args, const Block& block, const size_t (&taps)[4]) {
    constexpr int8_t kZeros[kPanel] = {};
    const int8_t* panels[4];
    for (size_t l = 0; l < 4; ++l) panels[l] = weights_at(args, block.first + lane_channel(block, l), 0);
    __m512i row[4];
    for (size_t i = 0; i < 4; ++i) {
      __m128i lane[4];
      for (size_t l = 0; l < 4; ++l) {
        const bool none = taps[i] == kNone || lane_channel(block, l) >= block.n;
        const int8_t* from = none ? kZeros : panels[l] + taps[i] * kPanel;
        lane[l] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      }
      const __m256i lo = _mm256_inserti128_si256(_mm256_castsi128_si256(lane[0]), lane[1], 1);
      const __m256i hi = _mm256_inserti128_si256(_mm256_castsi128_si256(lane[2]), lane[3], 1);
      row[i] = _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
    }
    return interleave(interleave(row[0], row[1]), interleave(row[2], row[3]));
  }

  struct Tables {
    const Constants* constants;
    Quad start, scale;
    __m512i* waiting;  // a row: halves_avx512_inl.h
  };

  static Tables load_tables(const DepthwiseArgs& args, const Constants& constants, const Block& block) {
    const Epilogue& e = args.epilogue;
    Tables tables{&constants, load_table(e.bias, block), load_table(e.scale, block), nullptr};
    const Quad wsum = load_table(e.wsum, block);
    for (int j = 0; j < 4; ++j) {
      tables.start.v[j] = _mm512_sub_epi32(tables.start.v[j], _mm512_slli_epi32(wsum.v[j], 7));
    }
    return tables;
  }

  [[gnu::always_inline]] static inline Sums start(const Tables& tables) {
    Sums acc;
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA { load_here(acc.v[j], tables.start.v[j]); });
    return acc;
  }

  [[gnu::always_inline]] static inline void store(const Row<Element>& row, const Tables& tables, int8_t* out,
                                                  const Sums& acc) {
    Quad q;
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
      q.v[j] = requantize(acc.v[j], _mm512_castsi512_ps(tables.scale.v[j]), *tables.constants);
    });
    store_bytes(row, out, _mm512_xor_si512(pack_bytes(q, tables.constants->output), tables.constants->flip));
  }

  static void store_any(const Row<Element>& row, const Tables& tables, size_t x, const Sums& acc) {
    const Epilogue& e = row.args.epilogue;
    if (row.args.out_float != nullptr) {
      const Quad ordered = transpose_lanes(acc);
      for_each_lane(row, x, [&](size_t lane, size_t pixel, size_t c, size_t n) {
        store16_float(row.args.out_float + pixel * row.args.out_stride + c, n, ordered.v[lane], e.scale + c);
      });
      return;
    }
    int8_t* out = row.args.out + pixel_index(row.args, row.y, x) * row.args.out_stride + row.block.first;
    if (e.residual != nullptr) {
      Quad residual = {};
      for_each_lane(row, x, [&](size_t lane, size_t pixel, size_t c, size_t n) {
        residual.v[lane] = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), residual_at(row.args, pixel, c)));
      });
      residual = transpose_lanes(residual);
      Quad q;
      for (int j = 0; j < 4; ++j) {
        q.v[j] = add_residual(acc.v[j], _mm512_castsi512_ps(tables.scale.v[j]), residual.v[j], *tables.constants);
      }
      store_bytes(row, out, _mm512_xor_si512(pack_bytes(q, tables.constants->sum), tables.constants->flip));
    } else {
      store(row, tables, out, acc);
    }
  }

  // gcc spills sums when it may move the instruction; asm keeps them in registers.
  template <bool Held>
  [[gnu::always_inline]] static inline void dot_vector(__m512i& acc, __m512i x, __m512i w) {
    if constexpr (Held) {
      __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    } else {
      __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "vm"(w));
    }
  }

  // gcc would keep a copy of what is loaded again and again, and spill others for it.
  [[gnu::always_inline]] static inline void load_here(__m512i& to, const __m512i& from) {
    __asm__ volatile("vmovdqa64 %1, %0" : "=v"(to) : "m"(from));
  }

  // One load into one register: gcc would fold it into each of the two instructions that need it.
  [[gnu::always_inline]] static inline __m512i load(const uint8_t* p) {
    __m512i bytes;
    __asm__("vmovdqu64 %1, %0" : "=v"(bytes) : "m"(*reinterpret_cast<const uint8_t (*)[kChannels]>(p)));
    return bytes;
  }

  [[gnu::always_inline]] static inline void store_bytes(const Row<Element>& row, int8_t* out, __m512i bytes) {
    const Block& block = row.block;
    if (block.n == 64) {
      _mm512_storeu_si512(out, bytes);
    } else if (block.width == 64) {
      _mm512_mask_storeu_epi8(out, first_bytes(block.n), bytes);
    } else {
      const auto mask = static_cast<__mmask32>(first_bytes(block.n));
      for (size_t band = 0; band < row.bands; ++band, out += row.band_step) {
        _mm256_mask_storeu_epi8(out, mask, _mm512_castsi512_si256(bytes));
        bytes = block.width == 32 ? _mm512_alignr_epi64(bytes, bytes, 4) : _mm512_alignr_epi64(bytes, bytes, 2);
      }
    }
  }

 private:
  struct Pair {
    __m512i lo, hi;
  };

  [[gnu::always_inline]] static inline Pair interleave(__m512i a, __m512i b) {
    return {_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)};
  }

  [[gnu::always_inline]] static inline Taps interleave(const Pair& a, const Pair& b) {
    return {{_mm512_unpacklo_epi16(a.lo, b.lo), _mm512_unpackhi_epi16(a.lo, b.lo), _mm512_unpacklo_epi16(a.hi, b.hi),
             _mm512_unpackhi_epi16(a.hi, b.hi)}};
  }

  // The channel, counted in the block, that each 16 of a vector begin with.
  static size_t lane_channel(const Block& block, size_t lane) { return lane * kPanel & (block.width - 1); }

  // A table of channels for a vector; zeros past the last panel.
  template <typename T>
  static Quad load_table(const T* table, const Block& block) {
    Quad lanes;
    for (size_t l = 0; l < 4; ++l) {
      const size_t c = lane_channel(block, l);
      lanes.v[l] = c < block.n ? _mm512_loadu_si512(table + block.first + c) : __m512i{};
    }
    return transpose_lanes(lanes);
  }

  // body(lane, pixel, channel, n) for the 16s of a vector that have n > 0 channels of an output pixel.
  template <typename Body>
  [[gnu::always_inline]] static inline void for_each_lane(const Row<Element>& row, size_t x, const Body& body) {
    const Block& block = row.block;
    for (size_t lane = 0; lane < 4; ++lane) {
      const size_t c = lane_channel(block, lane), band = lane * kPanel / block.width;
      if (c >= block.n || band >= row.bands) continue;
      const size_t pixel = pixel_index(row.args, row.y + band * block.band_rows, x);
      body(lane, pixel, block.first + c, smaller(block.n - c, kPanel));
    }
  }
};

// With all scales of a block below 1.
struct SmallScales : Isa {
  [[gnu::always_inline]] static inline void store(const Row<Element>& row, const Tables& tables, int8_t* out,
                                                  const Sums& acc) {
    Quad q;
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
      q.v[j] = requantize_small(acc.v[j], _mm512_castsi512_ps(tables.scale.v[j]));
    });
    __m512i bytes = pack_bytes(q, tables.constants->output);
    // A branch that is always foreseen costs less than one more vector instruction.
    if (row.args.epilogue.out_u8) bytes = _mm512_xor_si512(bytes, tables.constants->flip);
    store_bytes(row, out, bytes);
  }

  // The first or the last two vectors of interleave().
  template <int Half>
  [[gnu::always_inline]] static inline void interleave_half(const Element* const (&rows)[4], __m512i& lo, __m512i& hi) {
    const __m512i a = unpack_half<Half>(load(rows[0]), load(rows[1]));
    const __m512i b = unpack_half<Half>(load(rows[2]), load(rows[3]));
    lo = _mm512_unpacklo_epi16(a, b);
    hi = _mm512_unpackhi_epi16(a, b);
  }

  // The sums' outputs as int16, not yet clamped.
  template <int Half>
  [[gnu::always_inline]] static inline __m512i requantize_half(const Tables& tables, __m512i lo, __m512i hi) {
    const __m512i a = requantize_small(lo, _mm512_castsi512_ps(tables.scale.v[2 * Half]));
    const __m512i b = requantize_small(hi, _mm512_castsi512_ps(tables.scale.v[2 * Half + 1]));
    return _mm512_adds_epi16(_mm512_packs_epi32(a, b), tables.constants->output.zero_point);
  }

  [[gnu::always_inline]] static inline void store_words(const Row<Element>& row, const Tables& tables, int8_t* out,
                                                        __m512i first, __m512i second) {
    const Bounds& b = tables.constants->output;
    const __m512i bytes = _mm512_packs_epi16(first, second);
    const __m512i clamped = _mm512_min_epi8(_mm512_max_epi8(bytes, b.lo), b.hi_byte);
    store_bytes(row, out, _mm512_xor_si512(clamped, tables.constants->flip));
  }

 private:
  template <int Half>
  [[gnu::always_inline]] static inline __m512i unpack_half(__m512i a, __m512i b) {
    return Half == 0 ? _mm512_unpacklo_epi8(a, b) : _mm512_unpackhi_epi8(a, b);
  }
};

// The fastest way for each block.
struct BestIsa : SlidingIsa<Isa> {
  static Weights unpack_weights(const DepthwiseArgs& args, const Constants& constants, const Block& block,
                                Arena& arena) {
    if (!has_small_scales(args, block)) return depthwise_loops::unpack_weights<Isa>(args, constants, block, arena);
    const DepthwiseShape& s = args.shape;
    const bool square_5 = s.kernel_h == 5 && s.kernel_w == 5 && s.dilation_w == 1 && s.stride_w <= 2;
    if (!square_5 || args.out_float != nullptr || args.epilogue.residual != nullptr) {
      return depthwise_loops::unpack_weights<SmallScales>(args, constants, block, arena);
    }
    auto* terms = take<Taps>(arena, Halves<SmallScales, 1>::kTerms);
    Weights weights{load_tables(args, constants, block), terms, nullptr};
    weights.tables.waiting = take<__m512i>(arena, s.out_w);
    if (s.stride_w == 1) {
      unpack_sliding<SmallScales, Halves<SmallScales, 1>>(args, block, weights, terms);
    } else {
      unpack_sliding<SmallScales, Halves<SmallScales, 2>>(args, block, weights, terms);
    }
    return weights;
  }

 private:
  static bool has_small_scales(const DepthwiseArgs& args, const Block& block) {
    for (size_t c = 0; c < block.n; c += kPanel) {
      const __mmask16 large = may_overflow(_mm512_loadu_ps(args.epilogue.scale + block.first + c));
      if ((large & first(smaller(block.n - c, kPanel))) != 0) return false;
    }
    return true;
  }
};

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run<BestIsa>, /*reads_u8=*/true, /*writes_u8=*/true};

}  // namespace avx512vnni
}  // namespace mobilekernels
