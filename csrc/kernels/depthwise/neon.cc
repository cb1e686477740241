// 16 channels at a time, AArch64 and armv7. The products of two taps are added in int16, which holds them because no
// weight is -128 (pack/format.h): at most 2 * 128 * 127; then widened into the int32 accumulators.
#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_neon_inl.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace depthwise_loops;
using namespace epilogue_neon;

void accumulate(int32x4x4_t& acc, int16x8_t lo, int16x8_t hi) {
  acc.val[0] = vaddw_s16(acc.val[0], vget_low_s16(lo));
  acc.val[1] = vaddw_s16(acc.val[1], vget_high_s16(lo));
  acc.val[2] = vaddw_s16(acc.val[2], vget_low_s16(hi));
  acc.val[3] = vaddw_s16(acc.val[3], vget_high_s16(hi));
}

// Channels c .. c + n - 1 of every pixel. Inlined twice, so that whole panels do without partial loads.
[[gnu::always_inline]] inline void run_panel(const DepthwiseArgs& args, const Constants& constants, size_t c,
                                             size_t n) {
  const Epilogue& e = args.epilogue;
  const int8_t* weights = weights_at(args, c, 0);
  for (size_t p = 0; p < args.pixels; ++p) {
    const int8_t* const* input = args.input + p * args.input_step;
    const int8_t* w = weights;
    int32x4x4_t acc;
    for (int i = 0; i < 4; ++i) acc.val[i] = vld1q_s32(e.bias + c + 4 * i);
    size_t t = 0;
    for (; t + 2 <= args.taps; t += 2, w += 2 * kPanel) {
      const int8x16_t x0 = load_bytes(input[t] + c, n), x1 = load_bytes(input[t + 1] + c, n);
      const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + kPanel);
      const int16x8_t lo = vmull_s8(vget_low_s8(x0), vget_low_s8(w0));
      const int16x8_t hi = vmull_s8(vget_high_s8(x0), vget_high_s8(w0));
      accumulate(acc, vmlal_s8(lo, vget_low_s8(x1), vget_low_s8(w1)), vmlal_s8(hi, vget_high_s8(x1), vget_high_s8(w1)));
    }
    if (t < args.taps) {
      const int8x16_t x0 = load_bytes(input[t] + c, n), w0 = vld1q_s8(w);
      accumulate(acc, vmull_s8(vget_low_s8(x0), vget_low_s8(w0)), vmull_s8(vget_high_s8(x0), vget_high_s8(w0)));
    }
    const size_t to = p * args.out_stride + c;
    if (args.out_float != nullptr) {
      store16_float(args.out_float + to, n, acc, e.scale + c);
    } else {
      store16(args.out + to, n, residual_at(args, p, c), acc, e.scale + c, constants);
    }
  }
}

void run(const DepthwiseArgs& args) {
  const Constants constants = load_constants(args.epilogue);
  size_t c = 0;
  for (; c + kPanel <= args.channels; c += kPanel) run_panel(args, constants, c, kPanel);
  if (c < args.channels) run_panel(args, constants, c, args.channels - c);
}

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run};

}  // namespace neon
}  // namespace mobilekernels
