// The epilogue of requantize.h, 16 channels at a time in two vectors of 8, for AVX2.
//
// A kernel calls load_constants() once a call, and for each 16 channels of each output row
//   store16(out, n, residual, acc0, acc1, scale, constants)
// with the accumulators (bias added) of channels 0..7 and 8..15, the 16 scales of these channels (a table padded
// to 16: all are read), and n in [1, 16], the channels that are real: only out[0 .. n) is written, only
// residual[0 .. n) is read. `residual` is null exactly where epilogue.residual is. No pointer need be aligned.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/partial_inl.h"
#include "kernels/requantize.h"

namespace mobilekernels::epilogue_avx2 {

struct Bounds {
  __m256 lo;  // lo - zero_point
  __m256 hi;
  __m256i zero_point;  // int16
  __m256i lo_bytes;    // lo
};

struct Constants {
  Bounds output;
  Bounds sum;  // this and the rest: with a residual only
  __m256 main_scale;
  __m256 residual_scale;
  __m256i residual_zero_point;
};

[[gnu::always_inline]] static inline Bounds bounds(const OutputRange& range) {
  return {_mm256_set1_ps(static_cast<float>(range.lo - range.zero_point)),
          _mm256_set1_ps(static_cast<float>(range.hi - range.zero_point)),
          _mm256_set1_epi16(static_cast<int16_t>(range.zero_point)), _mm256_set1_epi8(static_cast<int8_t>(range.lo))};
}

[[gnu::always_inline]] static inline Constants load_constants(const Epilogue& epilogue) {
  Constants k = {};
  k.output = bounds(epilogue.output);
  if (epilogue.residual != nullptr) {
    const ResidualAdd& add = *epilogue.residual;
    k.sum = bounds(add.output);
    k.main_scale = _mm256_set1_ps(add.main_scale);
    k.residual_scale = _mm256_set1_ps(add.residual_scale);
    k.residual_zero_point = _mm256_set1_epi32(add.residual_zero_point);
  }
  return k;
}

// round_half_to_even(clamp(f)), the zero point not yet added.
[[gnu::always_inline]] static inline __m256i clamp_and_round(__m256 f, const Bounds& b) {
  return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(f, b.lo), b.hi));
}

[[gnu::always_inline]] static inline __m256i requantize8(__m256i acc, const float* scale, const Bounds& b) {
  return clamp_and_round(_mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(scale)), b);
}

// `residual`: 8 int8 in the low half.
[[gnu::always_inline]] static inline __m256i add8(__m256i q, __m128i residual, const Constants& k) {
  const __m256i r = _mm256_sub_epi32(_mm256_cvtepi8_epi32(residual), k.residual_zero_point);
  const __m256 main = _mm256_mul_ps(_mm256_cvtepi32_ps(q), k.main_scale);
  return clamp_and_round(_mm256_add_ps(main, _mm256_mul_ps(_mm256_cvtepi32_ps(r), k.residual_scale)), k.sum);
}

// 16 bytes of which n are there, the rest 0.
[[gnu::always_inline]] static inline __m128i load_bytes(const int8_t* p, size_t n) {
  if (n == 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const partial::Bytes16 bytes = partial::load(p, n);
  return _mm_set_epi64x(static_cast<int64_t>(bytes.hi), static_cast<int64_t>(bytes.lo));
}

[[gnu::always_inline]] static inline void store_bytes(int8_t* p, size_t n, __m128i v) {
  if (n == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
    return;
  }
  partial::Bytes16 bytes;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&bytes), v);
  partial::store(p, n, bytes);
}

// 8 int32 that fit int16 -> 8 int16 in order.
[[gnu::always_inline]] static inline __m128i narrow8(__m256i q) {
  return _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
}

[[gnu::always_inline]] static inline void store16(int8_t* out, size_t n, const int8_t* residual, __m256i acc0,
                                                  __m256i acc1, const float* scale, const Constants& k) {
  __m128i zero_point = _mm256_castsi256_si128(k.output.zero_point);
  __m256i q0 = requantize8(acc0, scale, k.output);
  __m256i q1 = requantize8(acc1, scale + 8, k.output);
  if (residual != nullptr) {
    const __m128i r = load_bytes(residual, n);
    q0 = add8(q0, r, k);
    q1 = add8(q1, _mm_unpackhi_epi64(r, r), k);
    zero_point = _mm256_castsi256_si128(k.sum.zero_point);
  }
  const __m128i lo = _mm_add_epi16(narrow8(q0), zero_point);
  const __m128i hi = _mm_add_epi16(narrow8(q1), zero_point);
  store_bytes(out, n, _mm_packs_epi16(lo, hi));
}

// round_half_to_even(min(acc * scale, hi)), the lower bound left to be taken on bytes: float -> int32 gives INT32_MIN
// for all that is too small, and packing saturates. (What is too large gives INT32_MIN as well.)
[[gnu::always_inline]] static inline __m256i round_below(__m256i acc, __m256 scale, const Bounds& b) {
  return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale), b.hi));
}

// store16() of two rows at once, without residuals.
[[gnu::always_inline]] static inline void store16_twice(int8_t* out, size_t stride, size_t n, const __m256i (&first)[2],
                                                        const __m256i (&second)[2], const __m256 (&scale)[2],
                                                        const Bounds& b) {
  const __m256i words0 = _mm256_packs_epi32(round_below(first[0], scale[0], b), round_below(first[1], scale[1], b));
  const __m256i words1 = _mm256_packs_epi32(round_below(second[0], scale[0], b), round_below(second[1], scale[1], b));
  const __m256i packed =
      _mm256_packs_epi16(_mm256_adds_epi16(words0, b.zero_point), _mm256_adds_epi16(words1, b.zero_point));
  // Packing works within 128 bits: channels 0..3 and 8..11 of the rows, then 4..7 and 12..15.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_max_epi8(packed, b.lo_bytes), order);
  store_bytes(out, n, _mm256_castsi256_si128(bytes));
  store_bytes(out + stride, n, _mm256_extracti128_si256(bytes, 1));
}

[[gnu::always_inline]] static inline void store16_floats(float* out, size_t n, __m256 f0, __m256 f1) {
  if (n == 16) {
    _mm256_storeu_ps(out, f0);
    _mm256_storeu_ps(out + 8, f1);
    return;
  }
  alignas(32) float copy[16];
  _mm256_store_ps(copy, f0);
  _mm256_store_ps(copy + 8, f1);
  __builtin_memcpy(out, copy, n * sizeof(float));
}

// float(acc) * scale into out[0 .. n).
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, __m256i acc0, __m256i acc1,
                                                        const float* scale) {
  store16_floats(out, n, _mm256_mul_ps(_mm256_cvtepi32_ps(acc0), _mm256_loadu_ps(scale)),
                 _mm256_mul_ps(_mm256_cvtepi32_ps(acc1), _mm256_loadu_ps(scale + 8)));
}

// Eight channels, from `channel` on, of a row that has a scale of its own.
[[gnu::always_inline]] static inline __m256 to_float8(__m256i acc, const Epilogue& e, size_t row, size_t channel) {
  const __m256i wsum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(e.wsum + channel));
  const __m256i sum = _mm256_sub_epi32(acc, _mm256_mullo_epi32(wsum, _mm256_set1_epi32(e.rows.zero_point[row])));
  const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(e.rows.scale[row]), _mm256_loadu_ps(e.scale + channel));
  return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale), _mm256_loadu_ps(e.rows.bias + channel));
}

// Row `row`, 16 channels from `channel` on.
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, __m256i acc0, __m256i acc1,
                                                        const Epilogue& e, size_t row, size_t channel) {
  if (e.rows.scale == nullptr) {
    store16_float(out, n, acc0, acc1, e.scale + channel);
  } else {
    store16_floats(out, n, to_float8(acc0, e, row, channel), to_float8(acc1, e, row, channel + 8));
  }
}

}  // namespace mobilekernels::epilogue_avx2
