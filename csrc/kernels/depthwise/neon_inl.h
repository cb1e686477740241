// What NEON's depthwise kernels share: copies and stores of 16 channels.
#pragma once

#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_neon_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::depthwise_loops {

namespace {

// Columns of 64 channels, 16 at a time.
struct NeonIsa {
  static constexpr size_t kChannels = 64, kLane = 16;
  using Element = int8_t;

  static void copy(Element* to, const int8_t* from, size_t pixels, size_t step, size_t n) {
    if (n == kChannels) return copy_lanes<4>(to, from, pixels, step);
    if (n == 2 * kLane) return copy_lanes<2>(to, from, pixels, step);
    if (n == kLane) return copy_lanes<1>(to, from, pixels, step);
    for (; pixels > 0; --pixels, to += kChannels, from += step) {
      size_t c = 0;
      for (; c + kLane <= n; c += kLane) vst1q_s8(to + c, vld1q_s8(from + c));
      if (c < n) vst1q_s8(to + c, epilogue_neon::load_bytes(from + c, n - c));
    }
  }

  template <size_t Lanes>
  [[gnu::noinline]] static void copy_lanes(Element* to, const int8_t* from, size_t pixels, size_t step) {
    for (; pixels > 0; --pixels, to += kChannels, from += step) {
      int8x16_t pixel[Lanes];
      unroll<Lanes>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { pixel[i] = vld1q_s8(from + kLane * i); });
      unroll<Lanes>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { vst1q_s8(to + kLane * i, pixel[i]); });
    }
  }

  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& e) { return epilogue_neon::load_constants(e); }
};

}  // namespace

[[gnu::always_inline]] static inline void store_pixel(const Row<int8_t>& row, const epilogue_neon::Constants& constants,
                                                      size_t x, const int32x4x4_t& acc) {
  const DepthwiseArgs& args = row.args;
  const size_t pixel = pixel_index(args, row.y, x), c = row.block.first, to = pixel * args.out_stride + c;
  const float* scale = args.epilogue.scale + c;
  if (args.out_float != nullptr) {
    epilogue_neon::store16_float(args.out_float + to, row.block.n, acc, scale);
  } else {
    epilogue_neon::store16(args.out + to, row.block.n, residual_at(args, pixel, c), acc, scale, constants);
  }
}

}  // namespace mobilekernels::depthwise_loops
