// The end of AVX2's GEMM tiles: their rows of 16 channels, bias already added.
#pragma once

#include "kernels/epilogue_avx2_inl.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::gemm_loops {

template <int Rows>
[[gnu::always_inline]] static inline void store_rows(const GemmArgs& args, const TileOrigin& origin,
                                                     const __m256i (&acc)[Rows][2],
                                                     const epilogue_avx2::Constants& constants) {
  unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
    const Destination d = destination(args, origin, origin.row + r, 0);
    const float* scale = args.epilogue.scale + d.channel;
    if (args.out_float != nullptr) {
      epilogue_avx2::store16_float(args.out_float + d.offset, d.n, acc[r][0], acc[r][1], scale);
    } else {
      epilogue_avx2::store16(args.out + d.offset, d.n, d.residual, acc[r][0], acc[r][1], scale, constants);
    }
  });
}

}  // namespace mobilekernels::gemm_loops
