// Dwords between pixels side by side and channels side by side: activations on their way into panels, sums on their way
// out.
#pragma once

#include <immintrin.h>

#include "kernels/gemm/store_avx2_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_avx2 {
namespace {

// Four quads of eight rows: v[i] has row i's in its low half and row i + 4's in its high half, and becomes quad i of
// all rows.
[[gnu::always_inline]] static inline void transpose_4x8(__m256i (&v)[4]) {
  const __m256i a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i c = _mm256_unpacklo_epi32(v[2], v[3]), d = _mm256_unpackhi_epi32(v[2], v[3]);
  v[0] = _mm256_unpacklo_epi64(a, c);
  v[1] = _mm256_unpackhi_epi64(a, c);
  v[2] = _mm256_unpacklo_epi64(b, d);
  v[3] = _mm256_unpackhi_epi64(b, d);
}

static inline void pack(const SpgemmPack& args) {
  const __m256i flip = _mm256_set1_epi8(static_cast<char>(args.flip));
  for (size_t p = 0; p < args.pixels; p += 8) {
    const int8_t* const* rows = args.rows + p;
    auto* to = static_cast<char*>(args.to) + p * 4;
    const size_t stride = args.pixels * 4;
    size_t q = 0;
    for (; q + 4 <= args.quads; q += 4) {
      __m256i v[4];
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        const auto* low = reinterpret_cast<const __m128i*>(rows[i] + q * 4);
        const auto* high = reinterpret_cast<const __m128i*>(rows[i + 4] + q * 4);
        v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
      });
      transpose_4x8(v);
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (q + i) * stride), _mm256_xor_si256(v[i], flip));
      });
    }
    for (; q < args.quads; ++q) {
      const auto dword = [&](int i) {
        int32_t value;
        __builtin_memcpy(&value, rows[i] + q * 4, sizeof(value));
        return value;
      };
      const __m256i v =
          _mm256_setr_epi32(dword(0), dword(1), dword(2), dword(3), dword(4), dword(5), dword(6), dword(7));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + q * stride), _mm256_xor_si256(v, flip));
    }
  }
}

// Where sums go: the end of a dense tile, to which a pixel is a row.
struct Output {
  explicit Output(const SpgemmArgs& args) : constants(epilogue_avx2::load_constants(args.epilogue)) {
    gemm.out = args.out;
    gemm.out_float = args.out_float;
    gemm.out_stride = args.out_stride;
    gemm.epilogue = args.epilogue;
  }

  GemmArgs gemm{};
  epilogue_avx2::Constants constants;
};

template <int Pixels>
[[gnu::noinline]] static void store_exactly(const Output& output, const gemm_loops::TileOrigin& origin,
                                            const int32_t* sums, size_t stride) {
  __m256i rows[8][2];
  unroll<2>([&](auto half) MOBILEKERNELS_INLINE_LAMBDA {
    unroll<2>([&](auto part) MOBILEKERNELS_INLINE_LAMBDA {  // channels half * 8 + part * 4 ..: four of each row
      __m256i v[4];
      const int32_t* from = sums + (half * 8 + part * 4) * stride;
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        v[i] = _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i * stride));
      });
      transpose_4x8(v);  // v[i]: pixel i in the low half, pixel i + 4 in the high one
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        if constexpr (part == 0) {
          rows[i][half] = v[i];
        } else {
          const __m256i first = rows[i][half];
          rows[i][half] = _mm256_permute2x128_si256(first, v[i], 0x20);
          rows[i + 4][half] = _mm256_permute2x128_si256(first, v[i], 0x31);
        }
      });
    });
  });
  __m256i real[Pixels][2];
  unroll<Pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
    real[p][0] = rows[p][0];
    real[p][1] = rows[p][1];
  });
  gemm_loops::store_rows(output.gemm, origin, real, output.constants);
}

// Pixels [first, first + pixels), at most `Most`, of a tile of channels, whose sums are rows of pixels.
template <int Most>
static inline void store_pixels(const Output& output, size_t first, size_t pixels,
                                const spgemm_loops::ChannelTile& channels, const int32_t* sums, size_t stride) {
  if (pixels == Most) {
    store_exactly<Most>(output, {first, channels.first, channels.channels}, sums, stride);
  } else if constexpr (Most > 1) {
    store_pixels<Most - 1>(output, first, pixels, channels, sums, stride);
  }
}

}  // namespace
}  // namespace mobilekernels::spgemm_avx2
