// The register tile on sdot by lane: a vector of weights (4 channels x 4 k) times one quad of a row, which stays in a
// register with its three neighbours. For files compiled with dotprod or better.
#pragma once

#include <arm_neon.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/neon_store_inl.h"
#include "kernels/products_neon_dotprod_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace {

using products_neon::sdot_lane;

struct DotprodTile {
  static constexpr int kRows = 6;
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  // `Lanes` quads of every row in `rows`, from lane `First` on, with the weights at w. Weights are loaded one vector
  // ahead of their use: an in-order core would wait for them.
  template <int Rows, int Lanes, int First = 0>
  [[gnu::always_inline]] static void step(int32x4_t (&acc)[Rows][4], const int8x16_t (&rows)[Rows], const int8_t* w) {
    int8x16_t next = vld1q_s8(w);
    unroll<4 * Lanes>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const int8x16_t weights = next;
      if constexpr (i + 1 < 4 * Lanes) next = vld1q_s8(w + 16 * (i + 1));
      unroll<Rows>([&](auto r)
                       MOBILEKERNELS_INLINE_LAMBDA { sdot_lane<First + i / 4>(acc[r][i % 4], weights, rows[r]); });
    });
  }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    int32x4_t acc[Rows][4];
    const int8_t* a[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      a[r] = reinterpret_cast<const int8_t*>(gemm_loops::row_pointer(args, origin.row + r));
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[r][i] = bias.val[i]; });
    });
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    constexpr size_t kStep = kQuad * kPanelChannels;
    size_t q = 0;
    for (; q + 4 <= args.quads; q += 4) {
      int8x16_t rows[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA { rows[r] = vld1q_s8(a[r] + q * kQuad); });
      step<Rows, 4>(acc, rows, w);
      w += 4 * kStep;
    }
    if (q + 2 <= args.quads) {
      int8x16_t rows[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x8_t two = vld1_s8(a[r] + q * kQuad);
        rows[r] = vcombine_s8(two, two);
      });
      step<Rows, 2>(acc, rows, w);
      q += 2;
      w += 2 * kStep;
    }
    if (q < args.quads) {
      int8x16_t rows[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        int32_t quad;
        __builtin_memcpy(&quad, a[r] + q * kQuad, sizeof(quad));
        rows[r] = vreinterpretq_s8_s32(vdupq_n_s32(quad));
      });
      step<Rows, 1>(acc, rows, w);
      w += kStep;
    }
    int32x4x4_t sums[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { sums[r].val[i] = acc[r][i]; });
    });
    gemm_loops::store_rows(args, origin, sums, constants);
  }
};

}  // namespace
}  // namespace mobilekernels
