// The epilogue of requantize.h, 16 channels at a time, for AVX-512 (F, BW, DQ, VL).
//
// A kernel calls load_constants() once a call, and for each 16 channels of each output row
//   store16(out, n, residual, acc, scale, constants)
// with the 16 accumulators (bias added), the 16 scales of these channels (a table padded to 16: all are read),
// and n in [1, 16], the channels that are real: only out[0 .. n) is written, only residual[0 .. n) is read.
// `residual` is null exactly where epilogue.residual is. No pointer need be aligned.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels::epilogue_avx512 {

struct Bounds {
  __m512 lo;  // lo - zero_point
  __m512 hi;
  __m512i zero_point;
};

struct Constants {
  Bounds output;
  Bounds sum;  // this and the rest: with a residual only
  __m512 main_scale;
  __m512 residual_scale;
  __m512i residual_zero_point;
};

[[gnu::always_inline]] static inline Bounds bounds(const OutputRange& range) {
  return {_mm512_set1_ps(static_cast<float>(range.lo - range.zero_point)),
          _mm512_set1_ps(static_cast<float>(range.hi - range.zero_point)), _mm512_set1_epi32(range.zero_point)};
}

[[gnu::always_inline]] static inline Constants load_constants(const Epilogue& epilogue) {
  Constants k = {};
  k.output = bounds(epilogue.output);
  if (epilogue.residual != nullptr) {
    const ResidualAdd& add = *epilogue.residual;
    k.sum = bounds(add.output);
    k.main_scale = _mm512_set1_ps(add.main_scale);
    k.residual_scale = _mm512_set1_ps(add.residual_scale);
    k.residual_zero_point = _mm512_set1_epi32(add.residual_zero_point);
  }
  return k;
}

// round_half_to_even(clamp(f)), the zero point not yet added.
[[gnu::always_inline]] static inline __m512i clamp_and_round(__m512 f, const Bounds& b) {
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(f, b.lo), b.hi));
}

// `q` less its zero point, `residual` with it.
[[gnu::always_inline]] static inline __m512i add_residual(__m512i q, __m512i residual, const Constants& k) {
  const __m512 main = _mm512_mul_ps(_mm512_cvtepi32_ps(q), k.main_scale);
  const __m512 other =
      _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(residual, k.residual_zero_point)), k.residual_scale);
  return clamp_and_round(_mm512_add_ps(main, other), k.sum);
}

[[gnu::always_inline]] static inline __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

[[gnu::always_inline]] static inline void store16(int8_t* out, size_t n, const int8_t* residual, __m512i acc,
                                                  const float* scale, const Constants& k) {
  const __mmask16 mask = first(n);
  __m512i q = clamp_and_round(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale)), k.output);
  __m512i zero_point = k.output.zero_point;
  if (residual != nullptr) {
    q = add_residual(q, _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, residual)), k);
    zero_point = k.sum.zero_point;
  }
  const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(q, zero_point));
  // A plain store where it will do: 2 to 5 % of a 1x1 convolution on Zen 4.
  if (n == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  } else {
    _mm_mask_storeu_epi8(out, mask, bytes);
  }
}

// float(acc) * scale into out[0 .. n).
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, __m512i acc, const float* scale) {
  _mm512_mask_storeu_ps(out, first(n), _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale)));
}

// 64 channels whose int32 values are in the order in which unpacking bytes leaves them: v[j] holds, in its 128-bit
// lane i, channels 16 i + 4 j .. 16 i + 4 j + 3. Packing to bytes is the way back, with no lane ever crossed.
struct Unpacked64 {
  __m512i v[4];
};

// Between v[i] = channels 16 i .. 16 i + 15 and the order above: a transpose of 4x4 lanes, its own inverse.
[[gnu::always_inline]] static inline Unpacked64 transpose_lanes(const Unpacked64& a) {
  const __m512i lo01 = _mm512_shuffle_i32x4(a.v[0], a.v[1], 0x44);
  const __m512i hi01 = _mm512_shuffle_i32x4(a.v[0], a.v[1], 0xee);
  const __m512i lo23 = _mm512_shuffle_i32x4(a.v[2], a.v[3], 0x44);
  const __m512i hi23 = _mm512_shuffle_i32x4(a.v[2], a.v[3], 0xee);
  return {{_mm512_shuffle_i32x4(lo01, lo23, 0x88), _mm512_shuffle_i32x4(lo01, lo23, 0xdd),
           _mm512_shuffle_i32x4(hi01, hi23, 0x88), _mm512_shuffle_i32x4(hi01, hi23, 0xdd)}};
}

[[gnu::always_inline]] static inline Unpacked64 unpack_int8(__m512i bytes) {
  const __m512i lo = _mm512_unpacklo_epi8(bytes, bytes);
  const __m512i hi = _mm512_unpackhi_epi8(bytes, bytes);
  return {{_mm512_srai_epi32(_mm512_unpacklo_epi16(lo, lo), 24), _mm512_srai_epi32(_mm512_unpackhi_epi16(lo, lo), 24),
           _mm512_srai_epi32(_mm512_unpacklo_epi16(hi, hi), 24), _mm512_srai_epi32(_mm512_unpackhi_epi16(hi, hi), 24)}};
}

// store16 for 64 channels: accumulators and scales (floats, as bits) unpacked, a mask for the channels that are real.
[[gnu::always_inline]] static inline void store64(int8_t* out, __mmask64 mask, const int8_t* residual,
                                                  const Unpacked64& acc, const Unpacked64& scale, const Constants& k) {
  Unpacked64 q;
  for (int j = 0; j < 4; ++j) {
    const __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc.v[j]), _mm512_castsi512_ps(scale.v[j]));
    q.v[j] = clamp_and_round(f, k.output);
  }
  __m512i zero_point = k.output.zero_point;
  if (residual != nullptr) {
    const Unpacked64 r = unpack_int8(_mm512_maskz_loadu_epi8(mask, residual));
    for (int j = 0; j < 4; ++j) q.v[j] = add_residual(q.v[j], r.v[j], k);
    zero_point = k.sum.zero_point;
  }
  for (int j = 0; j < 4; ++j) q.v[j] = _mm512_add_epi32(q.v[j], zero_point);
  const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(q.v[0], q.v[1]), _mm512_packs_epi32(q.v[2], q.v[3]));
  _mm512_mask_storeu_epi8(out, mask, bytes);
}

}  // namespace mobilekernels::epilogue_avx512
