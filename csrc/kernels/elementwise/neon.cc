// The loops of elementwise_inl.h, and on AArch64 a table look-up by tbl and tbx (armv7's reach 32 entries only).
#include <arm_neon.h>

#include "kernels/elementwise/elementwise_inl.h"

namespace mobilekernels {
namespace neon {
namespace {

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

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {elementwise_loops::add, elementwise_loops::mul, lut,
                                        elementwise_loops::quantize, elementwise_loops::dequantize};

}  // namespace neon
}  // namespace mobilekernels
