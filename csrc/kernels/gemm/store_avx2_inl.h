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
  const Destination d = destination(args, origin, origin.row, 0);
  const float* scale = args.epilogue.scale + d.channel;
  const size_t stride = args.out_stride;
  if (args.out_float != nullptr) {
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      float* out = args.out_float + d.offset + r * stride;
      epilogue_avx2::store16_float(out, d.n, acc[r][0], acc[r][1], args.epilogue, origin.row + r, d.channel);
    });
    return;
  }
  int8_t* out = args.out + d.offset;
  if (d.residual != nullptr) {
    const size_t residual_stride = args.epilogue.residual->stride;
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      epilogue_avx2::store16(out + r * stride, d.n, d.residual + r * residual_stride, acc[r][0], acc[r][1], scale,
                             constants);
    });
    return;
  }
  const __m256 scales[2] = {_mm256_loadu_ps(scale), _mm256_loadu_ps(scale + 8)};
  const auto store_all = [&](size_t n) MOBILEKERNELS_INLINE_LAMBDA {
    unroll<Rows / 2>([&](auto pair) MOBILEKERNELS_INLINE_LAMBDA {
      epilogue_avx2::store16_twice(out + 2 * pair * stride, stride, n, acc[2 * pair], acc[2 * pair + 1], scales,
                                   constants.output);
    });
    if constexpr (Rows % 2 == 1) {
      epilogue_avx2::store16(out + (Rows - 1) * stride, n, nullptr, acc[Rows - 1][0], acc[Rows - 1][1], scale,
                             constants);
    }
  };
  // The whole panel apart, so that nothing is asked once a row.
  d.n == kPanelChannels ? store_all(kPanelChannels) : store_all(d.n);
}

}  // namespace mobilekernels::gemm_loops
