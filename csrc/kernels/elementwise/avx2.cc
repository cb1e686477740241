// The loops of elementwise_inl.h, and a table look-up by vpshufb.
#include <immintrin.h>

#include "kernels/elementwise/elementwise_inl.h"
#include "kernels/elementwise/interleave2_x86_inl.h"
#include "kernels/elementwise/interleave3_x86_inl.h"
#include "kernels/epilogue_avx2_inl.h"

namespace mobilekernels {
namespace avx2 {
namespace {

// 128 entries in 8 vectors. vpshufb looks up 16 entries by the low half of an index, and gives zero where the index
// is negative. So the index goes down by 16 for each 16 entries, and those that were found are negative from then on
// (the subtraction saturates). A look-up answers greater indices too; to take that back, each entry is stored xored
// with the one 16 before it.
struct Half {
  __m256i entries[8];
};

void load_half(const int8_t* table, Half* half) {
  __m256i before = _mm256_setzero_si256();
  for (int i = 0; i < 8; ++i) {
    const __m256i entries =
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * i)));
    half->entries[i] = _mm256_xor_si256(entries, before);
    before = entries;
  }
}

// Zero where the index is negative.
[[gnu::always_inline]] inline __m256i find(const Half& half, __m256i index) {
  __m256i found = _mm256_shuffle_epi8(half.entries[0], index);
  for (int i = 1; i < 8; ++i) {
    index = _mm256_subs_epi8(index, _mm256_set1_epi8(16));
    found = _mm256_xor_si256(found, _mm256_shuffle_epi8(half.entries[i], index));
  }
  return found;
}

void lut(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  size_t i = 0;
  if (n >= 32) {
    Half negative, positive;
    load_half(table, &negative);
    load_half(table + 128, &positive);
    for (; i + 32 <= n; i += 32) {
      const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
      const __m256i flipped = _mm256_xor_si256(index, _mm256_set1_epi8(-128));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                          _mm256_or_si256(find(positive, index), find(negative, flipped)));
    }
  }
  elementwise_loops::lut(n - i, x + i, table, out + i);
}

// A NaN becomes the lower bound: max gives its second operand then.
[[gnu::always_inline]] inline __m128i quantize16(const float* x, __m256 factor, const epilogue_avx2::Bounds& bounds) {
  const auto eight = [&](const float* from) {
    const __m256i q = epilogue_avx2::clamp_and_round(_mm256_mul_ps(_mm256_loadu_ps(from), factor), bounds);
    return _mm_add_epi16(epilogue_avx2::narrow8(q), _mm256_castsi256_si128(bounds.zero_point));
  };
  return _mm_packs_epi16(eight(x), eight(x + 8));
}

void quantize3(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output, int8_t* out) {
  const epilogue_avx2::Bounds bounds = epilogue_avx2::bounds(output);
  const __m256 factor = _mm256_set1_ps(inverse_scale);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128i q[3] = {quantize16(planes[0] + i, factor, bounds), quantize16(planes[1] + i, factor, bounds),
                          quantize16(planes[2] + i, factor, bounds)};
    interleave3_x86::store(q, out + 3 * i);
  }
  elementwise_loops::quantize3_rest(i, n, planes, inverse_scale, output, out);
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {elementwise_loops::add,
                                        elementwise_loops::mul,
                                        lut,
                                        elementwise_loops::quantize,
                                        quantize3,
                                        elementwise_loops::dequantize,
                                        interleave2_x86::interleave2,
                                        elementwise_loops::widen};

}  // namespace avx2
}  // namespace mobilekernels
