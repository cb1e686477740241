// 16 values at a time for AArch64 and armv7, tails by the loops of elementwise_inl.h; on AArch64 a table look-up by tbl
// and tbx (armv7's reach 32 entries only). Written out because gcc vectorises no float for armv7, whose NEON flushes
// denormals: for add and mul that changes no byte (epilogue_neon_inl.h), for quantize see there.
#include <arm_neon.h>

#include "kernels/elementwise/elementwise_inl.h"
#include "kernels/epilogue_neon_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace epilogue_neon;

struct Int16x16 {
  int16x8_t low, high;
};

// An operand's next 16 values (or one value, repeated) less the zero point.
[[gnu::always_inline]] inline Int16x16 load(const ElementwiseOperand& operand, size_t i) {
  const int8x16_t x = operand.step == 0 ? vdupq_n_s8(operand.data[0]) : vld1q_s8(operand.data + i);
  const int16x8_t zero = vdupq_n_s16(static_cast<int16_t>(operand.zero_point));
  return {vsubq_s16(vmovl_s8(vget_low_s8(x)), zero), vsubq_s16(vmovl_s8(vget_high_s8(x)), zero)};
}

[[gnu::always_inline]] inline int32x4x4_t widen(const Int16x16& x) {
  return {{vmovl_s16(vget_low_s16(x.low)), vmovl_s16(vget_high_s16(x.low)), vmovl_s16(vget_low_s16(x.high)),
           vmovl_s16(vget_high_s16(x.high))}};
}

[[gnu::always_inline]] inline ElementwiseOperand advance(const ElementwiseOperand& operand, size_t n) {
  return {operand.data + n * operand.step, operand.step, operand.zero_point, operand.scale};
}

void add(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, const OutputRange& output, int8_t* out) {
  const Bounds limits = bounds(output);
  const float32x4_t a_scale = vdupq_n_f32(a.scale), b_scale = vdupq_n_f32(b.scale);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const int32x4x4_t x = widen(load(a, i)), y = widen(load(b, i));
    int32x4x4_t q;
    for (int j = 0; j < 4; ++j) {
      q.val[j] = round(vaddq_f32(scaled(x.val[j], a_scale), scaled(y.val[j], b_scale)), limits);
    }
    vst1q_s8(out + i, to_bytes(q, limits));
  }
  elementwise_loops::add(n - i, advance(a, i), advance(b, i), output, out + i);
}

void mul(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale, const OutputRange& output,
         int8_t* out) {
  const Bounds limits = bounds(output);
  const float32x4_t scales = vdupq_n_f32(scale);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const Int16x16 x = load(a, i), y = load(b, i);
    const int32x4x4_t product = {{vmull_s16(vget_low_s16(x.low), vget_low_s16(y.low)),
                                  vmull_s16(vget_high_s16(x.low), vget_high_s16(y.low)),
                                  vmull_s16(vget_low_s16(x.high), vget_low_s16(y.high)),
                                  vmull_s16(vget_high_s16(x.high), vget_high_s16(y.high))}};
    vst1q_s8(out + i, requantize(product, {{scales, scales, scales, scales}}, limits));
  }
  elementwise_loops::mul(n - i, advance(a, i), advance(b, i), scale, output, out + i);
}

void lut(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  size_t i = 0;
#if defined(__aarch64__)
  if (n >= 16) {
    const int8x16x4_t t0 = vld1q_s8_x4(table), t1 = vld1q_s8_x4(table + 64);
    const int8x16x4_t t2 = vld1q_s8_x4(table + 128), t3 = vld1q_s8_x4(table + 192);
    const uint8x16_t step = vdupq_n_u8(64);
    for (; i + 16 <= n; i += 16) {
      // tbl gives zero and tbx leaves what was found where the index is not below 64.
      uint8x16_t index = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(x + i)), vdupq_n_u8(128));
      int8x16_t found = vqtbl4q_s8(t0, index);
      found = vqtbx4q_s8(found, t1, index = vsubq_u8(index, step));
      found = vqtbx4q_s8(found, t2, index = vsubq_u8(index, step));
      found = vqtbx4q_s8(found, t3, vsubq_u8(index, step));
      vst1q_s8(out + i, found);
    }
  }
#endif
  elementwise_loops::lut(n - i, x + i, table, out + i);
}

// A NaN becomes the lower bound, as every comparison with it is false.
[[gnu::always_inline]] inline int32x4_t round_number(float32x4_t f, const Bounds& limits) {
  return clamp_and_round(vbslq_f32(vcgeq_f32(f, limits.low), f, limits.low), limits);
}

// armv7 reads a denormal x as zero. Up to this factor its product rounds to zero as well.
constexpr float kLargestFactor = 0x1p100f;

[[gnu::always_inline]] inline int8x16_t quantize16(const float* x, float32x4_t factor, const Bounds& limits) {
  int32x4x4_t q;
  for (int j = 0; j < 4; ++j) q.val[j] = round_number(vmulq_f32(vld1q_f32(x + 4 * j), factor), limits);
  return to_bytes(q, limits);
}

void quantize(size_t n, const float* x, float inverse_scale, const OutputRange& output, int8_t* out) {
  size_t i = 0;
  if (inverse_scale <= kLargestFactor) {
    const Bounds limits = bounds(output);
    const float32x4_t factor = vdupq_n_f32(inverse_scale);
    for (; i + 16 <= n; i += 16) vst1q_s8(out + i, quantize16(x + i, factor, limits));
  }
  elementwise_loops::quantize(n - i, x + i, inverse_scale, output, out + i);
}

void quantize3(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output, int8_t* out) {
  size_t i = 0;
  if (inverse_scale <= kLargestFactor) {
    const Bounds limits = bounds(output);
    const float32x4_t factor = vdupq_n_f32(inverse_scale);
    for (; i + 16 <= n; i += 16) {
      const int8x16x3_t q = {{quantize16(planes[0] + i, factor, limits), quantize16(planes[1] + i, factor, limits),
                              quantize16(planes[2] + i, factor, limits)}};
      vst3q_s8(out + 3 * i, q);
    }
  }
  elementwise_loops::quantize3_rest(i, n, planes, inverse_scale, output, out);
}

void dequantize(size_t n, const int8_t* x, float scale, int32_t zero_point, float* out) {
  size_t i = 0;
  // From the smallest normal scale on no result is a denormal, which armv7 would flush to zero.
  if (scale >= 0x1p-126f) {
    const float32x4_t scales = vdupq_n_f32(scale);
    const ElementwiseOperand operand{x, 1, zero_point, scale};
    for (; i + 16 <= n; i += 16) {
      const int32x4x4_t q = widen(load(operand, i));
      for (int j = 0; j < 4; ++j) vst1q_f32(out + i + 4 * j, scaled(q.val[j], scales));
    }
  }
  elementwise_loops::dequantize(n - i, x + i, scale, zero_point, out + i);
}

void interleave2(size_t rows, size_t n, const int8_t* x, int8_t* out) {
  elementwise_loops::interleave2_by_16(
      rows, n, x, out, [](const int8_t* even, const int8_t* odd, int8_t* to) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x16x2_t pair = {{vld1q_s8(even), vld1q_s8(odd)}};  // clang: vst2q_s8 is a macro
        vst2q_s8(to, pair);
      });
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {add,       mul,        lut,         quantize,
                                        quantize3, dequantize, interleave2, elementwise_loops::widen};

}  // namespace neon
}  // namespace mobilekernels
