// 16 channels of a pixel at a time, two pixels side by side, AArch64 and armv7. The products of two taps are added in
// int16, which holds them because no weight is -128 (pack/format.h): at most 2 * 128 * 127; then widened into int32.
#include "kernels/depthwise/neon_inl.h"
#include "kernels/products_neon_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace depthwise_loops;
using namespace epilogue_neon;
using namespace products_neon;

[[gnu::always_inline]] inline void accumulate(int32x4x4_t& acc, int16x8_t lo, int16x8_t hi) {
  acc.val[0] = vaddw_s16(acc.val[0], vget_low_s16(lo));
  acc.val[1] = vaddw_s16(acc.val[1], vget_high_s16(lo));
  acc.val[2] = vaddw_s16(acc.val[2], vget_low_s16(hi));
  acc.val[3] = vaddw_s16(acc.val[3], vget_high_s16(hi));
}

struct Isa : NeonIsa {
  struct Weights {
    const Constants* constants;
    const int8_t* taps;
  };
  static Weights unpack_weights(const DepthwiseArgs& args, const Constants& constants, const Block& block, Arena&) {
    return {&constants, weights_at(args, block.first, 0)};
  }

  static void run_row(const Row<Element>& row, const Weights& weights) {
    const DepthwiseShape& s = row.args.shape;
    const bool plain = row.args.out_float == nullptr && row.args.epilogue.residual == nullptr && row.block.n == kLane;
    if (plain && s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_w == 1 && s.stride_w <= 2) {
      s.stride_w == 1 ? run_square<3, 1>(row, weights) : run_square<3, 2>(row, weights);
    } else if (plain && s.kernel_h == 5 && s.kernel_w == 5 && s.dilation_w == 1 && s.stride_w <= 2) {
      s.stride_w == 1 ? run_square<5, 1>(row, weights) : run_square<5, 2>(row, weights);
    } else {
      run_any(row, weights);
    }
  }

 private:
  // A kernel that is known here leaves no pointers to load: taps are at fixed distances from its rows. Not inlined:
  // next to what goes on around it, gcc shares out the registers of its loop badly.
  template <int Kernel, int Stride>
  [[gnu::noinline]] static void run_square(const Row<Element>& row, const Weights& weights) {
    const DepthwiseArgs& args = row.args;
    const Element* rows[Kernel];
    unroll<Kernel>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { rows[i] = row.window[i] + row.offset; });
    int8_t* out = args.out + pixel_index(args, row.y, 0) * args.out_stride + row.block.first;
    // Int8 stores may alias anything: local copies are not loaded again after them.
    const float32x4x4_t scale = load_scale(args.epilogue.scale + row.block.first);
    const Bounds bounds = weights.constants->output;
    const auto run_pixels = [&](auto pixels) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kTaps = Kernel * Kernel, kStep = Stride * kChannels;
      const auto tap = [&](int t) MOBILEKERNELS_INLINE_LAMBDA { return rows[t / Kernel] + t % Kernel * kChannels; };
      Sums<pixels> acc;
      start(acc, row);
      unroll<kTaps / 2>([&](auto pair) MOBILEKERNELS_INLINE_LAMBDA {
        add_pair(acc, tap(2 * pair), tap(2 * pair + 1), kStep, weights.taps + 2 * pair * kPanel);
      });
      add_tap(acc, tap(kTaps - 1), kStep, weights.taps + (kTaps - 1) * kPanel);
      unroll<pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        vst1q_s8(out, requantize(acc.pixel[p], scale, bounds));
        out += args.out_stride;
      });
      unroll<Kernel>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { rows[i] += pixels * kStep; });
    };
    for (size_t left = args.shape.out_w; left >= 2; left -= 2) run_pixels(std::integral_constant<int, 2>{});
    if (args.shape.out_w % 2 != 0) run_pixels(std::integral_constant<int, 1>{});
  }

  static void run_any(const Row<Element>& row, const Weights& weights) {
    const DepthwiseShape& s = row.args.shape;
    const size_t taps = s.kernel_h * s.kernel_w, step = s.stride_w * kChannels;
    point_at_taps<Isa>(row);
    for (size_t x = 0; x < s.out_w; ++x) {
      Sums<1> acc;
      start(acc, row);
      const size_t at = x * step;
      const int8_t* w = weights.taps;
      size_t t = 0;
      for (; t + 2 <= taps; t += 2, w += 2 * kPanel) add_pair(acc, row.taps[t] + at, row.taps[t + 1] + at, step, w);
      if (t < taps) add_tap(acc, row.taps[t] + at, step, w);
      store_pixel(row, *weights.constants, x, acc.pixel[0]);
    }
  }

  // Of pixels side by side.
  template <int Pixels>
  struct Sums {
    int32x4x4_t pixel[Pixels];
  };

  template <int Pixels>
  [[gnu::always_inline]] static inline void start(Sums<Pixels>& acc, const Row<Element>& row) {
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const int32x4_t bias = vld1q_s32(row.args.epilogue.bias + row.block.first + 4 * i);
      unroll<Pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { acc.pixel[p].val[i] = bias; });
    });
  }

  template <int Pixels>
  [[gnu::always_inline]] static inline void add_pair(Sums<Pixels>& acc, const Element* tap0, const Element* tap1,
                                                     size_t step, const int8_t* w) {
    const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + kPanel);
    unroll<Pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      const int8x16_t x0 = vld1q_s8(tap0 + p * step), x1 = vld1q_s8(tap1 + p * step);
      accumulate(acc.pixel[p], mla_low(mul_low(x0, w0), x1, w1), mla_high(mul_high(x0, w0), x1, w1));
    });
  }

  template <int Pixels>
  [[gnu::always_inline]] static inline void add_tap(Sums<Pixels>& acc, const Element* tap, size_t step,
                                                    const int8_t* w) {
    const int8x16_t w0 = vld1q_s8(w);
    unroll<Pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      const int8x16_t x0 = vld1q_s8(tap + p * step);
      accumulate(acc.pixel[p], mul_low(x0, w0), mul_high(x0, w0));
    });
  }
};

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run<Isa>};

}  // namespace neon
}  // namespace mobilekernels
