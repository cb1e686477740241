// The epilogue of requantize.h, 16 channels at a time in four vectors of 4, for NEON (AArch64 and armv7).
//
// A kernel calls load_constants() once a call, and for each 16 channels of each output row
//   store16(out, n, residual, acc, scale, constants)
// with the 16 accumulators (bias added) in acc.val[0..3], the 16 scales of these channels (a table padded to 16:
// all are read), and n in [1, 16], the channels that are real: only out[0 .. n) is written, only
// residual[0 .. n) is read. `residual` is null exactly where epilogue.residual is. No pointer need be aligned.
// int8 stores may alias anything, so a kernel that stores several rows keeps scales and bounds in local variables.
//
// AArch64 converts with saturation and rounding to even, so the clamp comes last, on bytes. armv7 has neither: there
// floats are clamped first. Its NEON flushes denormals to zero, which cannot change a byte: such a product rounds to
// zero anyway. store16_float, whose floats are seen, multiplies with VFP there.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/epilogue_scalar_inl.h"
#include "kernels/partial_inl.h"
#include "kernels/requantize.h"

namespace mobilekernels::epilogue_neon {

struct Bounds {
  float32x4_t low;  // lo - zero_point
  float32x4_t high;
  int16x8_t zero_point;
  int8x16_t lo, hi;
};

struct Constants {
  Bounds output;
  Bounds sum;  // this and the rest: with a residual only
  float32x4_t main_scale;
  float32x4_t residual_scale;
  int16x8_t residual_zero_point;
};

[[gnu::always_inline]] static inline Bounds bounds(const OutputRange& range) {
  return {vdupq_n_f32(static_cast<float>(range.lo - range.zero_point)),
          vdupq_n_f32(static_cast<float>(range.hi - range.zero_point)),
          vdupq_n_s16(static_cast<int16_t>(range.zero_point)), vdupq_n_s8(static_cast<int8_t>(range.lo)),
          vdupq_n_s8(static_cast<int8_t>(range.hi))};
}

[[gnu::always_inline]] static inline Constants load_constants(const Epilogue& epilogue) {
  Constants k = {};
  k.output = bounds(epilogue.output);
  if (epilogue.residual != nullptr) {
    const ResidualAdd& add = *epilogue.residual;
    k.sum = bounds(add.output);
    k.main_scale = vdupq_n_f32(add.main_scale);
    k.residual_scale = vdupq_n_f32(add.residual_scale);
    k.residual_zero_point = vdupq_n_s16(static_cast<int16_t>(add.residual_zero_point));
  }
  return k;
}

// round_half_to_even(clamp(f)), the zero point not yet added.
[[gnu::always_inline]] static inline int32x4_t clamp_and_round(float32x4_t f, const Bounds& b) {
  f = vminq_f32(vmaxq_f32(f, b.low), b.high);
#if defined(__aarch64__)
  return vcvtnq_s32_f32(f);
#else
  // The spacing of floats next to 1.5 * 2^23 is 1, so the addition rounds, half to even.
  const float32x4_t magic = vdupq_n_f32(0x1.8p23f);
  return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(f, magic)), vreinterpretq_s32_f32(magic));
#endif
}

// The same where to_bytes() is next, which clamps what this has not.
[[gnu::always_inline]] static inline int32x4_t round(float32x4_t f, const Bounds& b) {
#if defined(__aarch64__)
  (void)b;
  return vcvtnq_s32_f32(f);
#else
  return clamp_and_round(f, b);
#endif
}

[[gnu::always_inline]] static inline int16x8_t narrow(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
  return vqmovn_high_s32(vqmovn_s32(a), b);
#else
  return vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
#endif
}

[[gnu::always_inline]] static inline int8x16_t narrow(int16x8_t a, int16x8_t b) {
#if defined(__aarch64__)
  return vqmovn_high_s16(vqmovn_s16(a), b);
#else
  return vcombine_s8(vqmovn_s16(a), vqmovn_s16(b));
#endif
}

[[gnu::always_inline]] static inline int8x16_t to_bytes(const int32x4x4_t& q, const Bounds& b) {
  const int16x8_t first = vqaddq_s16(narrow(q.val[0], q.val[1]), b.zero_point);
  const int16x8_t second = vqaddq_s16(narrow(q.val[2], q.val[3]), b.zero_point);
  return vminq_s8(vmaxq_s8(narrow(first, second), b.lo), b.hi);
}

[[gnu::always_inline]] static inline float32x4x4_t load_scale(const float* scale) {
  return {{vld1q_f32(scale), vld1q_f32(scale + 4), vld1q_f32(scale + 8), vld1q_f32(scale + 12)}};
}

[[gnu::always_inline]] static inline float32x4_t scaled(int32x4_t acc, float32x4_t scale) {
  return vmulq_f32(vcvtq_f32_s32(acc), scale);
}

[[gnu::always_inline]] static inline int8x16_t requantize(const int32x4x4_t& acc, const float32x4x4_t& scale,
                                                          const Bounds& b) {
  int32x4x4_t q;
  for (int i = 0; i < 4; ++i) q.val[i] = round(scaled(acc.val[i], scale.val[i]), b);
  return to_bytes(q, b);
}

// float(acc) * scale[Lane].
template <int Lane>
[[gnu::always_inline]] static inline float32x4_t scaled_by_lane(int32x4_t acc, float32x4_t scale) {
#if defined(__aarch64__)
  return vmulq_laneq_f32(vcvtq_f32_s32(acc), scale, Lane);
#else
  return vmulq_lane_f32(vcvtq_f32_s32(acc), Lane < 2 ? vget_low_f32(scale) : vget_high_f32(scale), Lane % 2);
#endif
}

// Vectors of one channel each: acc.val[i] by scale[i].
[[gnu::always_inline]] static inline int8x16_t requantize_rows(const int32x4x4_t& acc, float32x4_t scale,
                                                               const Bounds& b) {
  return to_bytes({{round(scaled_by_lane<0>(acc.val[0], scale), b), round(scaled_by_lane<1>(acc.val[1], scale), b),
                    round(scaled_by_lane<2>(acc.val[2], scale), b), round(scaled_by_lane<3>(acc.val[3], scale), b)}},
                  b);
}

// `residual` less its zero point.
[[gnu::always_inline]] static inline int32x4_t add4(int32x4_t q, int16x4_t residual, const Constants& k) {
  const float32x4_t main = vmulq_f32(vcvtq_f32_s32(q), k.main_scale);
  const float32x4_t other = vmulq_f32(vcvtq_f32_s32(vmovl_s16(residual)), k.residual_scale);
  return round(vaddq_f32(main, other), k.sum);
}

[[gnu::always_inline]] static inline int8x16_t requantize_and_add(const int32x4x4_t& acc, const float32x4x4_t& scale,
                                                                  int8x16_t residual, const Constants& k) {
  const int16x8_t r0 = vsubq_s16(vmovl_s8(vget_low_s8(residual)), k.residual_zero_point);
  const int16x8_t r1 = vsubq_s16(vmovl_s8(vget_high_s8(residual)), k.residual_zero_point);
  const int16x4_t r[4] = {vget_low_s16(r0), vget_high_s16(r0), vget_low_s16(r1), vget_high_s16(r1)};
  int32x4x4_t q;
  for (int i = 0; i < 4; ++i) {
    q.val[i] = add4(clamp_and_round(scaled(acc.val[i], scale.val[i]), k.output), r[i], k);
  }
  return to_bytes(q, k.sum);
}

// 16 bytes of which n are there, the rest 0.
[[gnu::always_inline]] static inline int8x16_t load_bytes(const int8_t* p, size_t n) {
  if (n == 16) return vld1q_s8(p);
  const partial::Bytes16 bytes = partial::load(p, n);
  return vreinterpretq_s8_u64(vcombine_u64(vcreate_u64(bytes.lo), vcreate_u64(bytes.hi)));
}

[[gnu::always_inline]] static inline void store_bytes(int8_t* p, size_t n, int8x16_t v) {
  if (n == 16) {
    vst1q_s8(p, v);
    return;
  }
  const uint64x2_t halves = vreinterpretq_u64_s8(v);
  partial::store(p, n, {vgetq_lane_u64(halves, 0), vgetq_lane_u64(halves, 1)});
}

[[gnu::always_inline]] static inline void store16(int8_t* out, size_t n, const int8_t* residual, int32x4x4_t acc,
                                                  const float* scale, const Constants& k) {
  const float32x4x4_t scales = load_scale(scale);
  store_bytes(out, n,
              residual == nullptr ? requantize(acc, scales, k.output)
                                  : requantize_and_add(acc, scales, load_bytes(residual, n), k));
}

// float(acc) * scale into out[0 .. n).
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, int32x4x4_t acc, const float* scale) {
#if defined(__aarch64__)
  if (n == 16) {
    for (int i = 0; i < 4; ++i) vst1q_f32(out + 4 * i, vmulq_f32(vcvtq_f32_s32(acc.val[i]), vld1q_f32(scale + 4 * i)));
    return;
  }
#endif
  int32_t copy[16];
  for (int i = 0; i < 4; ++i) vst1q_s32(copy + 4 * i, acc.val[i]);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(copy[i]) * scale[i];
}

// Row `row`, 16 channels from `channel` on.
[[gnu::always_inline]] static inline void store16_float(float* out, size_t n, int32x4x4_t acc, const Epilogue& e,
                                                        size_t row, size_t channel) {
  if (e.rows.scale == nullptr) {
    store16_float(out, n, acc, e.scale + channel);
    return;
  }
#if defined(__aarch64__)
  if (n == 16) {
    const float32x4_t row_scale = vdupq_n_f32(e.rows.scale[row]);
    const int32x4_t zero_point = vdupq_n_s32(e.rows.zero_point[row]);
    for (int i = 0; i < 4; ++i) {
      const size_t from = channel + 4 * static_cast<size_t>(i);
      const int32x4_t sum = vmlsq_s32(acc.val[i], vld1q_s32(e.wsum + from), zero_point);
      const float32x4_t scale = vmulq_f32(row_scale, vld1q_f32(e.scale + from));
      vst1q_f32(out + 4 * i, vaddq_f32(scaled(sum, scale), vld1q_f32(e.rows.bias + from)));
    }
    return;
  }
#endif
  int32_t copy[16];
  for (int i = 0; i < 4; ++i) vst1q_s32(copy + 4 * i, acc.val[i]);
  for (size_t i = 0; i < n; ++i) out[i] = epilogue_scalar::to_float(copy[i], e, row, channel + i);
}

}  // namespace mobilekernels::epilogue_neon
