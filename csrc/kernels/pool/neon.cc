// Maxima of 16 channels, the loops of pool_inl.h, and the end of an average written out: gcc vectorises no float for
// armv7.
#include "kernels/epilogue_neon_inl.h"
#include "kernels/pool/max_line_inl.h"
#include "kernels/pool/pool_inl.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace epilogue_neon;
using namespace max_lines;

struct Lanes8 {
  static constexpr size_t kLanes = 8;
  using Register = int8x8_t;
  [[gnu::always_inline]] static Register load(const int8_t* p) { return vld1_s8(p); }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return vmax_s8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) { vst1_s8(p, x); }
};

struct Lanes16 {
  static constexpr size_t kLanes = 16;
  using Register = int8x16_t;
  [[gnu::always_inline]] static Register load(const int8_t* p) { return vld1q_s8(p); }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return vmaxq_s8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) { vst1q_s8(p, x); }
};

void finish(size_t channels, const int32_t* sums, int32_t offset, float scale, const OutputRange& output, int8_t* out) {
  const Bounds limits = bounds(output);
  const float32x4_t scales = vdupq_n_f32(scale);
  const int32x4_t offsets = vdupq_n_s32(offset);
  size_t c = 0;
  for (; c + 16 <= channels; c += 16) {
    int32x4x4_t sum;
    for (int j = 0; j < 4; ++j) sum.val[j] = vsubq_s32(vld1q_s32(sums + c + 4 * j), offsets);
    vst1q_s8(out + c, requantize(sum, {{scales, scales, scales, scales}}, limits));
  }
  pool_loops::finish(channels - c, sums + c, offset, scale, output, out + c);
}

}  // namespace

extern const PoolKernels pool;
const PoolKernels pool = {run<Lanes16, Lanes8, One>, pool_loops::accumulate, finish};

}  // namespace neon
}  // namespace mobilekernels
