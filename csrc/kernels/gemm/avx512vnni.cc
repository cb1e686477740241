// vpdpbusd: 16 channels x 4 k an instruction, unsigned activations by signed weights. Activations are packed as
// q + 128, and sum(w) * 128 is taken off the accumulator's start.
//
// 14 x 32 tile: 28 accumulators, two weight vectors and one broadcast row are 31 of the 32 registers, and the
// images of most networks (7, 14, 28, 56, 112 squared) cut into 14 rows without a rest.
#include <immintrin.h>

#include "kernels/epilogue_avx512_inl.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/gemv_avx512_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

void pack(void* dst, const int8_t* src, size_t n) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  auto* out = static_cast<char*>(dst);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    _mm512_storeu_si512(out + i, _mm512_xor_si512(_mm512_loadu_si512(src + i), flip));
  }
  if (i < n) {
    const __mmask64 mask = (~0ull) >> (64 - (n - i));
    _mm512_mask_storeu_epi8(out + i, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src + i), flip));
  }
}

void fill(void* dst, int8_t value, size_t n) { __builtin_memset(dst, static_cast<uint8_t>(value) ^ 0x80, n); }

// gcc spills an array of this many accumulators when it may move the instruction; asm keeps them in registers.
[[gnu::always_inline]] inline void dot(__m512i& acc, __m512i a, __m512i w) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(w));
}

struct Tile {
  static constexpr int kRows = 14;
  static constexpr int kPanels = 2;
  static constexpr int kHalf = 7;  // rows that lie at equal distances in any case
  using Constants = epilogue_avx512::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_avx512::load_constants(epilogue); }

  struct Strides {
    size_t one, three, five;
  };

  // One quad of k; moves the rows' pointers on.
  template <int Rows, int Panels, int Bases>
  [[gnu::always_inline]] static void dots(__m512i (&acc)[Rows][Panels], const char* (&a)[Bases], const Strides& strides,
                                          const int8_t* w, size_t panel_bytes, size_t ahead) {
    __m512i weights[Panels];
    unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      weights[p] = _mm512_loadu_si512(w + p * panel_bytes);
      _mm_prefetch(reinterpret_cast<const char*>(w) + ahead + p * panel_bytes, _MM_HINT_T1);
    });
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kRow = r % kHalf;
      const size_t offset = kRow == 3   ? strides.three
                            : kRow == 6 ? 2 * strides.three
                            : kRow == 5 ? strides.five
                                        : kRow * strides.one;
      int32_t quad;
      __builtin_memcpy(&quad, a[r / kHalf] + offset, sizeof(quad));
      const __m512i row = _mm512_set1_epi32(quad);
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { dot(acc[r][p], row, weights[p]); });
    });
    unroll<Bases>([&](auto b) MOBILEKERNELS_INLINE_LAMBDA { a[b] += kQuad; });
  }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    const Epilogue& e = args.epilogue;
    __m512i acc[Rows][Panels];
    unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      const size_t channel = origin.channel + p * kPanelChannels;
      const __m512i start = _mm512_sub_epi32(_mm512_loadu_si512(e.bias + channel),
                                             _mm512_slli_epi32(_mm512_loadu_si512(e.wsum + channel), 7));
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA { acc[r][p] = start; });
    });
    // Two pointers reach 14 rows: x86 addresses add a register times 1, 2, 4 or 8, and 1, 3 and 5 strides lie in
    // registers. The second half may be the next line of an image.
    constexpr int kBases = (Rows + kHalf - 1) / kHalf;
    const char* a[kBases];
    unroll<kBases>([&](auto b)
                       MOBILEKERNELS_INLINE_LAMBDA { a[b] = gemm_loops::row_pointer(args, origin.row + kHalf * b); });
    const Strides strides{args.a_stride, 3 * args.a_stride, 5 * args.a_stride};
    const size_t panel_bytes = args.quads * kQuad * kPanelChannels;
    const size_t segment_quads = args.segments == 0 ? args.quads : args.quads / args.segments;
    const size_t skip = args.segment_stride - segment_quads * kQuad;
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    const int8_t* const end = w + panel_bytes;
    const size_t ahead = origin.channel + 32 < args.channels ? Panels * panel_bytes : 0;
    while (w != end) {
      for (size_t q = segment_quads; q > 0; --q) {
        dots<Rows, Panels>(acc, a, strides, w, panel_bytes, ahead);
        w += kQuad * kPanelChannels;
      }
      unroll<kBases>([&](auto b) MOBILEKERNELS_INLINE_LAMBDA { a[b] += skip; });
    }
    if (args.out_float != nullptr) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
          const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row + r, p);
          epilogue_avx512::store16_float(args.out_float + d.offset, d.n, acc[r][p], e, origin.row + r, d.channel);
        });
      });
      return;
    }
    __m512 scale[Panels];
    __mmask16 large = 0;
    unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      scale[p] = _mm512_loadu_ps(e.scale + origin.channel + p * kPanelChannels);
      large |= epilogue_avx512::may_overflow(scale[p]);
    });
    if (e.residual != nullptr) {
      store<Rows, Panels, End::residual>(args, origin, constants, acc, scale);
    } else if (large != 0) {
      store<Rows, Panels, End::any_scale>(args, origin, constants, acc, scale);
    } else {
      store<Rows, Panels, End::small_scale>(args, origin, constants, acc, scale);
    }
  }

  enum class End { any_scale, small_scale, residual };

  // Four vectors at a time, 64 bytes of output: two rows of 32 channels or four of 16.
  template <int Rows, int Panels, End kEnd>
  [[gnu::always_inline]] static void store(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                           const Constants& constants, const __m512i (&acc)[Rows][Panels],
                                           const __m512 (&scale)[Panels]) {
    const size_t first = origin.row * args.out_stride + origin.channel;
    const auto mask = static_cast<__mmask32>(~uint32_t{0} >> (32 - origin.channels));
    constexpr int kRowsAtOnce = 4 / Panels;
    unroll<(Rows + kRowsAtOnce - 1) / kRowsAtOnce>([&](auto block) MOBILEKERNELS_INLINE_LAMBDA {
      epilogue_avx512::Quad q;
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        constexpr int kRow = block * kRowsAtOnce + i / Panels;
        constexpr int kPanel = i % Panels;
        if constexpr (kRow >= Rows) {
          q.v[i] = q.v[0];
        } else if constexpr (kEnd == End::residual) {
          const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row + kRow, kPanel);
          const __m512i residual = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(epilogue_avx512::first(d.n), d.residual));
          q.v[i] = epilogue_avx512::add_residual(acc[kRow][kPanel], scale[kPanel], residual, constants);
        } else if constexpr (kEnd == End::small_scale) {
          q.v[i] = epilogue_avx512::requantize_small(acc[kRow][kPanel], scale[kPanel]);
        } else {
          q.v[i] = epilogue_avx512::requantize(acc[kRow][kPanel], scale[kPanel], constants);
        }
      });
      const __m512i packed = epilogue_avx512::pack_bytes(q, kEnd == End::residual ? constants.sum : constants.output);
      const __m512i bytes = _mm512_xor_si512(epilogue_avx512::in_order(packed), constants.flip);
      unroll<kRowsAtOnce>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        constexpr int kRow = block * kRowsAtOnce + r;
        if constexpr (kRow < Rows) store_row<Panels, r>(args.out + first + kRow * args.out_stride, bytes, mask);
      });
    });
  }

  // Part `Row` of four vectors' bytes. A plain store where it will do: 2 to 5 % of a 1x1 convolution on Zen 4.
  template <int Panels, int Row>
  [[gnu::always_inline]] static void store_row(int8_t* out, __m512i bytes, __mmask32 mask) {
    if constexpr (Panels == 2) {
      const __m256i row = _mm512_extracti64x4_epi64(bytes, Row);
      if (mask == ~__mmask32{0}) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), row);
      } else {
        _mm256_mask_storeu_epi8(out, mask, row);
      }
    } else {
      const __m128i row = _mm512_extracti32x4_epi32(bytes, Row);
      if (mask == 0xffff) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), row);
      } else {
        _mm_mask_storeu_epi8(out, static_cast<__mmask16>(mask), row);
      }
    }
  }
};

void run(const GemmArgs& args) { args.rows == 1 && args.segments == 0 ? gemv(args) : gemm_loops::run<Tile>(args); }

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows, Tile::kPanels * kPanelChannels, 1, false, pack, fill, run, true, true};

}  // namespace avx512vnni
}  // namespace mobilekernels
