// The loops of elementwise_inl.h, and a table look-up by vpermi2w.
#include <immintrin.h>

#include "kernels/elementwise/elementwise_inl.h"
#include "kernels/elementwise/interleave3_x86_inl.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

// 256 entries as 128 words; vpermi2w looks up 64 of them.
struct Table {
  __m512i words[4];
};

// Each word of `index` is in [0, 255]; the entry comes in the low byte, something else in the high one.
[[gnu::always_inline]] inline __m512i find(const Table& table, __m512i index) {
  const __m512i word = _mm512_srli_epi16(index, 1);
  const __m512i lower = _mm512_permutex2var_epi16(table.words[0], word, table.words[1]);
  const __m512i upper = _mm512_permutex2var_epi16(table.words[2], word, table.words[3]);
  const __m512i both = _mm512_mask_blend_epi16(_mm512_test_epi16_mask(index, _mm512_set1_epi16(128)), lower, upper);
  const __mmask32 odd = _mm512_test_epi16_mask(index, _mm512_set1_epi16(1));
  return _mm512_mask_srli_epi16(both, odd, both, 8);
}

void lut(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  Table t;
  for (int i = 0; i < 4; ++i) t.words[i] = _mm512_loadu_si512(table + 64 * i);
  const __m512i low_bytes = _mm512_set1_epi16(255);
  for (size_t i = 0; i < n; i += 64) {
    const __mmask64 mask = n - i >= 64 ? ~uint64_t{0} : (uint64_t{1} << (n - i)) - 1;
    const __m512i index = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, x + i), _mm512_set1_epi8(-128));
    const __m512i even = find(t, _mm512_and_si512(index, low_bytes));
    const __m512i odd = find(t, _mm512_srli_epi16(index, 8));
    const __m512i found = _mm512_or_si512(_mm512_and_si512(even, low_bytes), _mm512_slli_epi16(odd, 8));
    _mm512_mask_storeu_epi8(out + i, mask, found);
  }
}

void quantize3(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output, int8_t* out) {
  const __m512 factor = _mm512_set1_ps(inverse_scale);
  const __m512 lo = _mm512_set1_ps(static_cast<float>(output.lo - output.zero_point));
  const __m512 hi = _mm512_set1_ps(static_cast<float>(output.hi - output.zero_point));
  const __m128i zero_point = _mm_set1_epi8(static_cast<int8_t>(output.zero_point));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m128i q[3];
    for (int c = 0; c < 3; ++c) {
      // A NaN becomes the lower bound: max gives its second operand then.
      const __m512 f = _mm512_max_ps(_mm512_mul_ps(_mm512_loadu_ps(planes[c] + i), factor), lo);
      const __m128i less_zero = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_min_ps(f, hi)));
      q[c] = _mm_add_epi8(less_zero, zero_point);  // both wrap, and the sum fits
    }
    interleave3_x86::store(q, out + 3 * i);
  }
  elementwise_loops::quantize3_rest(i, n, planes, inverse_scale, output, out);
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {
    elementwise_loops::add,       elementwise_loops::mul, lut, elementwise_loops::quantize, quantize3,
    elementwise_loops::dequantize};

}  // namespace avx512vnni
}  // namespace mobilekernels
