// vpdpbusd: 16 channels x 4 k an instruction, unsigned activations by signed weights. Activations are packed as
// q + 128, and sum(w) * 128 is taken off the accumulator's start.
//
// 14 x 32 tile: 28 accumulators, two weight vectors and one broadcast row are 31 of the 32 registers, and the
// images of most networks (7, 14, 28, 56, 112 squared) cut into 14 rows without a rest.
#include <immintrin.h>

#include "kernels/epilogue_avx512_inl.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
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
  using Constants = epilogue_avx512::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_avx512::load_constants(epilogue); }

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
    // Rows are reached from every third one, at 0, 1 and 2 strides: x86 addresses have no factor 3.
    constexpr int kBases = (Rows + 2) / 3;
    const char* a[kBases];
    unroll<kBases>([&](auto b)
                       MOBILEKERNELS_INLINE_LAMBDA { a[b] = gemm_loops::row_pointer(args, origin.row + 3 * b); });
    const size_t stride = args.a_stride;
    const size_t panel_bytes = args.quads * kQuad * kPanelChannels;
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    for (size_t q = args.quads; q > 0; --q) {
      __m512i weights[Panels];
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { weights[p] = _mm512_loadu_si512(w + p * panel_bytes); });
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        int32_t quad;
        __builtin_memcpy(&quad, a[r / 3] + static_cast<size_t>(r % 3) * stride, sizeof(quad));
        const __m512i row = _mm512_set1_epi32(quad);
        unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { dot(acc[r][p], row, weights[p]); });
      });
      unroll<kBases>([&](auto b) MOBILEKERNELS_INLINE_LAMBDA { a[b] += kQuad; });
      w += kQuad * kPanelChannels;
    }
    if (args.out_float == nullptr && e.residual == nullptr) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
          const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row + r, p);
          epilogue_avx512::store16(args.out + d.offset, d.n, nullptr, acc[r][p], e.scale + d.channel, constants);
        });
      });
      return;
    }
    // The rarer ends go through memory, in a loop, so as not to double the code.
    __m512i sums[Rows][Panels];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { _mm512_storeu_si512(&sums[r][p], acc[r][p]); });
    });
    for (int r = 0; r < Rows; ++r) {
      for (int p = 0; p < Panels; ++p) {
        const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row + r, p);
        if (args.out_float != nullptr) {
          epilogue_avx512::store16_float(args.out_float + d.offset, d.n, sums[r][p], e.scale + d.channel);
        } else {
          epilogue_avx512::store16(args.out + d.offset, d.n, d.residual, sums[r][p], e.scale + d.channel, constants);
        }
      }
    }
  }
};

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows, Tile::kPanels * kPanelChannels, 1, false, pack, fill, gemm_loops::run<Tile>};

}  // namespace avx512vnni
}  // namespace mobilekernels
