// int8 x int8 -> int16 products of the low and the high halves of two vectors, for NEON (AArch64 and armv7). AArch64
// has instructions for the high halves, which gcc does not always find.
#pragma once

#include <arm_neon.h>

namespace mobilekernels::products_neon {

[[gnu::always_inline]] static inline int16x8_t mul_low(int8x16_t a, int8x16_t b) {
  return vmull_s8(vget_low_s8(a), vget_low_s8(b));
}

[[gnu::always_inline]] static inline int16x8_t mla_low(int16x8_t sum, int8x16_t a, int8x16_t b) {
  return vmlal_s8(sum, vget_low_s8(a), vget_low_s8(b));
}

[[gnu::always_inline]] static inline int16x8_t mul_high(int8x16_t a, int8x16_t b) {
#if defined(__aarch64__)
  return vmull_high_s8(a, b);
#else
  return vmull_s8(vget_high_s8(a), vget_high_s8(b));
#endif
}

[[gnu::always_inline]] static inline int16x8_t mla_high(int16x8_t sum, int8x16_t a, int8x16_t b) {
#if defined(__aarch64__)
  return vmlal_high_s8(sum, a, b);
#else
  return vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b));
#endif
}

}  // namespace mobilekernels::products_neon
