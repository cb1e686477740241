// ARMv8: four pixels a vector, multiplied by a lane of the weights. Four vectors by four channels are sixteen sums.
//
// armv7 has no such kernel: its NEON has a fused multiply-add from VFPv4 on only, which neither its presets ask for nor
// dispatch looks for, and what rounds twice would give other bytes than the reference.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernels/spgemm_f32/spgemm_f32_inl.h"

namespace mobilekernels {
namespace neon {
namespace {

struct Simd {
  using Vector = float32x4_t;
  using Four = Simd;
  using One = spgemm_f32_loops::One;
  static constexpr int kVector = 4;
  static constexpr int kMostVectors4 = 4;
  static constexpr int kMostVectors1 = 8;

  template <int lane>
  struct Weight {
    Vector row;
  };

  [[gnu::always_inline]] static Vector load(const float* p) { return vld1q_f32(p); }
  [[gnu::always_inline]] static Vector set1(float value) { return vdupq_n_f32(value); }
  template <int j>
  [[gnu::always_inline]] static Weight<j % 4> weight(const float* w) {
    return {vld1q_f32(w + j / 4 * 4)};
  }
  template <int lane>
  [[gnu::always_inline]] static Vector fma(Vector sum, Vector x, Weight<lane> w) {
    return vfmaq_laneq_f32(sum, x, w.row, lane);
  }
  [[gnu::always_inline]] static Vector fma(Vector sum, Vector x, Vector w) { return vfmaq_f32(sum, x, w); }
  // Not vmaxq and vminq, to which -0 is less than 0.
  [[gnu::always_inline]] static Vector clamp(Vector v, Vector lo, Vector hi) {
    v = vbslq_f32(vcltq_f32(v, lo), lo, v);
    return vbslq_f32(vcgtq_f32(v, hi), hi, v);
  }
  [[gnu::always_inline]] static void store(float* to, Vector v, size_t n) {
    if (n >= kVector) return vst1q_f32(to, v);
    float lanes[kVector];
    vst1q_f32(lanes, v);
    for (size_t i = 0; i < n; ++i) to[i] = lanes[i];
  }
};

void transpose_4x4(const float* from, size_t from_stride, float* to, size_t to_stride) {
  const float32x4x2_t a = vtrnq_f32(vld1q_f32(from), vld1q_f32(from + from_stride));
  const float32x4x2_t b = vtrnq_f32(vld1q_f32(from + 2 * from_stride), vld1q_f32(from + 3 * from_stride));
  vst1q_f32(to, vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0])));
  vst1q_f32(to + to_stride, vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1])));
  vst1q_f32(to + 2 * to_stride, vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0])));
  vst1q_f32(to + 3 * to_stride, vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1])));
}

void transpose(const TransposeF32& args) { spgemm_f32_loops::transpose_blocks<4>(args, transpose_4x4); }

}  // namespace

extern const SpgemmF32Kernel spgemm_f32;
const SpgemmF32Kernel spgemm_f32 = {Simd::kVector, spgemm_f32_loops::most_pixels<Simd>, transpose,
                                    spgemm_f32_loops::run<Simd>, spgemm_f32_loops::run_row<Simd>};

}  // namespace neon
}  // namespace mobilekernels

#endif
