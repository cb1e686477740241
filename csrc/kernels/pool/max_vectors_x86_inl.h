// Vectors of max_line_inl.h for AVX2 and better.
#pragma once

#include <immintrin.h>

#include "kernels/pool/max_line_inl.h"

namespace mobilekernels::max_lines {
namespace {

struct Lanes8 {
  static constexpr size_t kLanes = 8;
  using Register = __m128i;
  [[gnu::always_inline]] static Register load(const int8_t* p) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return _mm_max_epi8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), x);
  }
};

struct Lanes16 {
  static constexpr size_t kLanes = 16;
  using Register = __m128i;
  [[gnu::always_inline]] static Register load(const int8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return _mm_max_epi8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x);
  }
};

struct Lanes32 {
  static constexpr size_t kLanes = 32;
  using Register = __m256i;
  [[gnu::always_inline]] static Register load(const int8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return _mm256_max_epi8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x);
  }
};

}  // namespace
}  // namespace mobilekernels::max_lines
