// The loops of elementwise_inl.h, and a table look-up by vpermi2w.
#include <immintrin.h>

#include "kernels/elementwise/elementwise_inl.h"

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

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {elementwise_loops::add, elementwise_loops::mul, lut,
                                        elementwise_loops::quantize, elementwise_loops::dequantize};

}  // namespace avx512vnni
}  // namespace mobilekernels
