// The end of every NEON GEMM tile: 16 channels of one row, bias already added.
#pragma once

#include "kernels/epilogue_neon_inl.h"
#include "kernels/gemm/gemm_inl.h"

namespace mobilekernels::gemm_loops {

[[gnu::always_inline]] static inline void store_panel(const GemmArgs& args, const TileOrigin& origin, size_t row,
                                                      int32x4x4_t acc, const epilogue_neon::Constants& constants) {
  const Destination d = destination(args, origin, row, 0);
  const float* scale = args.epilogue.scale + d.channel;
  if (args.out_float != nullptr) {
    epilogue_neon::store16_float(args.out_float + d.offset, d.n, acc, scale);
  } else {
    epilogue_neon::store16(args.out + d.offset, d.n, d.residual, acc, scale, constants);
  }
}

[[gnu::always_inline]] static inline int32x4x4_t load_bias(const GemmArgs& args, const TileOrigin& origin) {
  const int32_t* bias = args.epilogue.bias + origin.channel;
  return {{vld1q_s32(bias), vld1q_s32(bias + 4), vld1q_s32(bias + 8), vld1q_s32(bias + 12)}};
}

}  // namespace mobilekernels::gemm_loops
