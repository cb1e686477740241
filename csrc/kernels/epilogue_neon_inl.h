// The epilogue of requantize.h, 16 channels at a time in four vectors of 4, for NEON (AArch64 and armv7).
//
// A kernel calls load_constants() once a call, and for each 16 channels of each output row
//   store16(out, n, residual, acc, scale, constants)
// with the 16 accumulators (bias added) in acc.val[0..3], the 16 scales of these channels (a table padded to 16:
// all are read), and n in [1, 16], the channels that are real: only out[0 .. n) is written, only
// residual[0 .. n) is read. `residual` is null exactly where epilogue.residual is. No pointer need be aligned.
//
// armv7's NEON flushes denormals to zero. Here that cannot change a byte: such a product rounds to zero anyway.
// store16_float, whose floats are seen, multiplies with VFP there.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/partial_inl.h"
#include "kernels/requantize.h"

namespace mobilekernels::epilogue_neon {

struct Bounds {
  float32x4_t lo;  // lo - zero_point
  float32x4_t hi;
  int16x8_t zero_point;
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
          vdupq_n_s16(static_cast<int16_t>(range.zero_point))};
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
  f = vminq_f32(vmaxq_f32(f, b.lo), b.hi);
#if defined(__aarch64__)
  return vcvtnq_s32_f32(f);
#else
  // The spacing of floats next to 1.5 * 2^23 is 1, so the addition rounds, half to even.
  const float32x4_t magic = vdupq_n_f32(0x1.8p23f);
  return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(f, magic)), vreinterpretq_s32_f32(magic));
#endif
}

[[gnu::always_inline]] static inline int32x4_t requantize4(int32x4_t acc, const float* scale, const Bounds& b) {
  return clamp_and_round(vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(scale)), b);
}

// `residual` less its zero point.
[[gnu::always_inline]] static inline int32x4_t add4(int32x4_t q, int16x4_t residual, const Constants& k) {
  const float32x4_t main = vmulq_f32(vcvtq_f32_s32(q), k.main_scale);
  const float32x4_t other = vmulq_f32(vcvtq_f32_s32(vmovl_s16(residual)), k.residual_scale);
  return clamp_and_round(vaddq_f32(main, other), k.sum);
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

[[gnu::always_inline]] static inline int8x8_t narrow8(int32x4_t lo, int32x4_t hi, int16x8_t zero_point) {
  return vmovn_s16(vaddq_s16(vcombine_s16(vmovn_s32(lo), vmovn_s32(hi)), zero_point));
}

[[gnu::always_inline]] static inline void store16(int8_t* out, size_t n, const int8_t* residual, int32x4x4_t acc,
                                                  const float* scale, const Constants& k) {
  int16x8_t zero_point = k.output.zero_point;
  int32x4_t q0 = requantize4(acc.val[0], scale, k.output);
  int32x4_t q1 = requantize4(acc.val[1], scale + 4, k.output);
  int32x4_t q2 = requantize4(acc.val[2], scale + 8, k.output);
  int32x4_t q3 = requantize4(acc.val[3], scale + 12, k.output);
  if (residual != nullptr) {
    const int8x16_t r = load_bytes(residual, n);
    const int16x8_t r0 = vsubq_s16(vmovl_s8(vget_low_s8(r)), k.residual_zero_point);
    const int16x8_t r1 = vsubq_s16(vmovl_s8(vget_high_s8(r)), k.residual_zero_point);
    q0 = add4(q0, vget_low_s16(r0), k);
    q1 = add4(q1, vget_high_s16(r0), k);
    q2 = add4(q2, vget_low_s16(r1), k);
    q3 = add4(q3, vget_high_s16(r1), k);
    zero_point = k.sum.zero_point;
  }
  store_bytes(out, n, vcombine_s8(narrow8(q0, q1, zero_point), narrow8(q2, q3, zero_point)));
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

}  // namespace mobilekernels::epilogue_neon
