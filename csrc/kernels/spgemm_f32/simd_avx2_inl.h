// What both x86 kernels use: one lane, vectors of four, and squares of eight.
#pragma once

#include <immintrin.h>

#include "kernels/spgemm_f32/spgemm_f32_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_f32_avx2 {
namespace {

struct One : spgemm_f32_loops::One {
  // asm, for emulated cores are tested with guarded pages: qemu 7.2 reads 16 bytes of a scalar FMA's memory operand.
  [[gnu::always_inline]] static float fma(float sum, float x, float w) {
    __asm__("vfmadd231ss %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
  }
};

struct Four {
  using Vector = __m128;
  [[gnu::always_inline]] static Vector load(const float* p) { return _mm_loadu_ps(p); }
  [[gnu::always_inline]] static Vector set1(float value) { return _mm_set1_ps(value); }
  [[gnu::always_inline]] static Vector fma(Vector sum, Vector x, Vector w) { return _mm_fmadd_ps(x, w, sum); }
  // Of two zeros, and of anything and a NaN, these instructions give their second operand.
  [[gnu::always_inline]] static Vector clamp(Vector v, Vector lo, Vector hi) {
    return _mm_min_ps(hi, _mm_max_ps(lo, v));
  }
  [[gnu::always_inline]] static void store(float* to, Vector v, size_t n) {
    if (n >= 4) {
      _mm_storeu_ps(to, v);
    } else {
      const __m128i lanes = _mm_setr_epi32(0, 1, 2, 3);
      _mm_maskstore_ps(to, _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(n)), lanes), v);
    }
  }
};

[[gnu::always_inline]] inline void transpose_8x8(const float* from, size_t from_stride, float* to, size_t to_stride) {
  unroll<2>([&](auto half) MOBILEKERNELS_INLINE_LAMBDA {  // columns half * 4 .. half * 4 + 3
    __m256 v[4];                                          // row i in the low half, row i + 4 in the high one
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const float* row = from + i * from_stride + 4 * half;
      v[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row)), _mm_loadu_ps(row + 4 * from_stride), 1);
    });
    const __m256 a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
    const __m256 c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
    float* out = to + 4 * half * to_stride;
    _mm256_storeu_ps(out, _mm256_shuffle_ps(a, c, 0x44));
    _mm256_storeu_ps(out + to_stride, _mm256_shuffle_ps(a, c, 0xee));
    _mm256_storeu_ps(out + 2 * to_stride, _mm256_shuffle_ps(b, d, 0x44));
    _mm256_storeu_ps(out + 3 * to_stride, _mm256_shuffle_ps(b, d, 0xee));
  });
}

void transpose(const TransposeF32& args) { spgemm_f32_loops::transpose_blocks<8>(args, transpose_8x8); }

}  // namespace
}  // namespace mobilekernels::spgemm_f32_avx2
