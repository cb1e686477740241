// Three planes of 16 bytes -> 48 bytes, one of each in turn, by byte shuffles (SSSE3: AVX2 and better have it).
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace mobilekernels::interleave3_x86 {

// Byte j of output vector k is byte 16 k + j of the whole: plane (16 k + j) % 3, its value (16 k + j) / 3.
struct Shuffles {
  alignas(16) int8_t index[3][3][16];  // [output vector][plane]; negative: zero, to be filled by another plane

  constexpr Shuffles() : index() {
    for (int k = 0; k < 3; ++k) {
      for (int plane = 0; plane < 3; ++plane) {
        for (int j = 0; j < 16; ++j) {
          const int at = 16 * k + j;
          index[k][plane][j] = static_cast<int8_t>(at % 3 == plane ? at / 3 : -1);
        }
      }
    }
  }
};
constexpr Shuffles kShuffles;

[[gnu::always_inline]] static inline void store(const __m128i planes[3], int8_t* out) {
  for (int k = 0; k < 3; ++k) {
    __m128i v = _mm_setzero_si128();
    for (int plane = 0; plane < 3; ++plane) {
      const __m128i index = _mm_load_si128(reinterpret_cast<const __m128i*>(kShuffles.index[k][plane]));
      v = _mm_or_si128(v, _mm_shuffle_epi8(planes[plane], index));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16 * k), v);
  }
}

}  // namespace mobilekernels::interleave3_x86
