// The epilogue of requantize.h for AVX-512 (F, BW, DQ, VL), four vectors of 16 int32 at a time.
//
// A kernel calls load_constants() once a call. Then, for each four vectors of accumulators (bias added):
//   requantize(acc, scale, constants)         -> values less the zero point, not yet clamped from below
//   or add_residual(...)                       the same, of the sum with a residual
//   pack_bytes(q, bounds)                      -> 64 int8
// The lower bound is taken last, on bytes: float -> int32 gives INT32_MIN for all that is too small, and packing
// saturates. The upper one must come before that conversion, which gives INT32_MIN for what is too large as well.
// Tables of scales are padded to 16 channels, so that full vectors may be loaded. No pointer need be aligned.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels::epilogue_avx512 {

struct Bounds {
  __m512 hi;           // hi - zero_point
  __m512i zero_point;  // int16
  __m512i lo;          // int8
  __m512i hi_byte;     // int8
};

struct Constants {
  Bounds output;
  __m512i flip;  // int8 codes to what is written: 0, or 0x80 for uint8; the caller's last step
  Bounds sum;    // this and the rest: with a residual only
  __m512 main_lo;
  __m512 main_scale;
  __m512 residual_scale;
  __m512i residual_zero_point;
};

// Four vectors of 16.
struct Quad {
  __m512i v[4];
};

[[gnu::always_inline]] static inline Bounds bounds(const OutputRange& range) {
  return {_mm512_set1_ps(static_cast<float>(range.hi - range.zero_point)),
          _mm512_set1_epi16(static_cast<int16_t>(range.zero_point)), _mm512_set1_epi8(static_cast<int8_t>(range.lo)),
          _mm512_set1_epi8(static_cast<int8_t>(range.hi))};
}

[[gnu::always_inline]] static inline Constants load_constants(const Epilogue& epilogue) {
  Constants k = {};
  k.output = bounds(epilogue.output);
  k.flip = _mm512_set1_epi8(static_cast<char>(epilogue.out_u8 ? 0x80 : 0));
  if (epilogue.residual != nullptr) {
    const ResidualAdd& add = *epilogue.residual;
    k.sum = bounds(add.output);
    k.main_lo = _mm512_set1_ps(static_cast<float>(epilogue.output.lo - epilogue.output.zero_point));
    k.main_scale = _mm512_set1_ps(add.main_scale);
    k.residual_scale = _mm512_set1_ps(add.residual_scale);
    k.residual_zero_point = _mm512_set1_epi32(add.residual_zero_point);
  }
  return k;
}

// round_half_to_even(min(f, hi)), less the zero point.
[[gnu::always_inline]] static inline __m512i clamp_and_round(__m512 f, const Bounds& b) {
  return _mm512_cvtps_epi32(_mm512_min_ps(f, b.hi));
}

[[gnu::always_inline]] static inline __m512i requantize(__m512i acc, __m512 scale, const Constants& k) {
  return clamp_and_round(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale), k.output);
}

// Scales for which float(acc) * scale may reach 2^31, and rounding it to int32 needs the upper bound first.
[[gnu::always_inline]] static inline __mmask16 may_overflow(__m512 scale) {
  return _mm512_cmp_ps_mask(scale, _mm512_set1_ps(1.0f), _CMP_NLT_UQ);
}

// requantize() for other scales: saturation in packing and the upper bound on bytes, which pack_bytes() takes for all
// 64 values at once, do for the bound.
[[gnu::always_inline]] static inline __m512i requantize_small(__m512i acc, __m512 scale) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale));
}

// requantize() and the residual's 16 values (with their zero point) added.
[[gnu::always_inline]] static inline __m512i add_residual(__m512i acc, __m512 scale, __m512i residual,
                                                          const Constants& k) {
  const __m512 f = _mm512_max_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale), k.main_lo);
  const __m512 main = _mm512_mul_ps(_mm512_cvtepi32_ps(clamp_and_round(f, k.output)), k.main_scale);
  const __m512 other =
      _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(residual, k.residual_zero_point)), k.residual_scale);
  return clamp_and_round(_mm512_add_ps(main, other), k.sum);
}

// Bytes in the order in which packing leaves them: dword 4i + j is v[j]'s values 4i .. 4i + 3.
[[gnu::always_inline]] static inline __m512i pack_bytes(const Quad& q, const Bounds& b) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q.v[0], q.v[1]), b.zero_point);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q.v[2], q.v[3]), b.zero_point);
  return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), b.lo), b.hi_byte);
}

// The same with v[0]'s 16 values first, then v[1]'s ...
[[gnu::always_inline]] static inline __m512i in_order(__m512i bytes) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

[[gnu::always_inline]] static inline __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

// float(acc) * scale into out[0 .. n).
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, __m512i acc, const float* scale) {
  _mm512_mask_storeu_ps(out, first(n), _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale)));
}

// 16 channels of rows that have scales of their own: where vectors are channels of one row, `scale` and `zero_point`
// repeat the row's; where they are rows of one channel, the other three repeat the channel's.
[[gnu::always_inline]] static inline __m512 to_float(__m512i acc, __m512 row_scale, __m512i zero_point, __m512 scale,
                                                     __m512i wsum, __m512 bias) {
  const __m512i sum = _mm512_sub_epi32(acc, _mm512_mullo_epi32(wsum, zero_point));
  return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(row_scale, scale)), bias);
}

// Row `row`, 16 channels from `channel` on.
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, __m512i acc, const Epilogue& e,
                                                        size_t row, size_t channel) {
  if (e.rows.scale == nullptr) return store16_float(out, n, acc, e.scale + channel);
  const __m512 f = to_float(acc, _mm512_set1_ps(e.rows.scale[row]), _mm512_set1_epi32(e.rows.zero_point[row]),
                            _mm512_loadu_ps(e.scale + channel), _mm512_loadu_si512(e.wsum + channel),
                            _mm512_loadu_ps(e.rows.bias + channel));
  _mm512_mask_storeu_ps(out, first(n), f);
}

// Between v[i] = channels 16 i .. 16 i + 15 and the order in which unpacking bytes leaves 64 channels (v[j] holds, in
// its 128-bit lane i, channels 16 i + 4 j .. 16 i + 4 j + 3, and pack_bytes is the way back): a transpose of 4x4 lanes,
// its own inverse.
[[gnu::always_inline]] static inline Quad transpose_lanes(const Quad& a) {
  const __m512i lo01 = _mm512_shuffle_i32x4(a.v[0], a.v[1], 0x44);
  const __m512i hi01 = _mm512_shuffle_i32x4(a.v[0], a.v[1], 0xee);
  const __m512i lo23 = _mm512_shuffle_i32x4(a.v[2], a.v[3], 0x44);
  const __m512i hi23 = _mm512_shuffle_i32x4(a.v[2], a.v[3], 0xee);
  return {{_mm512_shuffle_i32x4(lo01, lo23, 0x88), _mm512_shuffle_i32x4(lo01, lo23, 0xdd),
           _mm512_shuffle_i32x4(hi01, hi23, 0x88), _mm512_shuffle_i32x4(hi01, hi23, 0xdd)}};
}

[[gnu::always_inline]] static inline Quad unpack_int8(__m512i bytes) {
  const __m512i lo = _mm512_unpacklo_epi8(bytes, bytes);
  const __m512i hi = _mm512_unpackhi_epi8(bytes, bytes);
  return {{_mm512_srai_epi32(_mm512_unpacklo_epi16(lo, lo), 24), _mm512_srai_epi32(_mm512_unpackhi_epi16(lo, lo), 24),
           _mm512_srai_epi32(_mm512_unpacklo_epi16(hi, hi), 24), _mm512_srai_epi32(_mm512_unpackhi_epi16(hi, hi), 24)}};
}

}  // namespace mobilekernels::epilogue_avx512
