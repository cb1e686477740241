// The end of every NEON GEMM tile: its rows of 16 channels, bias already added.
#pragma once

#include "kernels/epilogue_neon_inl.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::gemm_loops {

template <int Rows>
[[gnu::always_inline]] static inline void store_rows(const GemmArgs& args, const TileOrigin& origin,
                                                     const int32x4x4_t (&acc)[Rows],
                                                     const epilogue_neon::Constants& constants) {
  const Destination d = destination(args, origin, origin.row, 0);
  const float* scale = args.epilogue.scale + d.channel;
  const size_t stride = args.out_stride;
  if (args.out_float != nullptr) {
    float* out = args.out_float + d.offset;
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      epilogue_neon::store16_float(out + r * stride, d.n, acc[r], args.epilogue, origin.row + r, d.channel);
    });
    return;
  }
  int8_t* out = args.out + d.offset;
  const float32x4x4_t scales = epilogue_neon::load_scale(scale);
  if (d.residual == nullptr) {
    const epilogue_neon::Bounds bounds = constants.output;
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      epilogue_neon::store_bytes(out + r * stride, d.n, epilogue_neon::requantize(acc[r], scales, bounds));
    });
    return;
  }
  const epilogue_neon::Constants local = constants;
  const size_t residual_stride = args.epilogue.residual->stride;
  unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
    const int8x16_t residual = epilogue_neon::load_bytes(d.residual + r * residual_stride, d.n);
    epilogue_neon::store_bytes(out + r * stride, d.n,
                               epilogue_neon::requantize_and_add(acc[r], scales, residual, local));
  });
}

[[gnu::always_inline]] static inline int32x4x4_t load_bias(const GemmArgs& args, const TileOrigin& origin) {
  const int32_t* bias = args.epilogue.bias + origin.channel;
  return {{vld1q_s32(bias), vld1q_s32(bias + 4), vld1q_s32(bias + 8), vld1q_s32(bias + 12)}};
}

}  // namespace mobilekernels::gemm_loops
