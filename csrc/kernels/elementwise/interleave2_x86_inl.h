// Two runs of 16 bytes -> 32 bytes, one of each in turn (SSE2: AVX2 and better have it).
#pragma once

#include <immintrin.h>

#include "kernels/elementwise/elementwise_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::interleave2_x86 {

static void interleave2(size_t rows, size_t n, const int8_t* x, int8_t* out) {
  const auto load = [](const int8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
  const auto store = [](int8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); };
  elementwise_loops::interleave2_by_16(
      rows, n, x, out, [&](const int8_t* even, const int8_t* odd, int8_t* to) MOBILEKERNELS_INLINE_LAMBDA {
        const __m128i a = load(even), b = load(odd);
        store(to, _mm_unpacklo_epi8(a, b));
        store(to + 16, _mm_unpackhi_epi8(a, b));
      });
}

}  // namespace mobilekernels::interleave2_x86
