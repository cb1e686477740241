// One row (a linear layer at batch 1) on sdot by lane: every weight is used once, in the order in which they lie. Even
// and odd quads have sums of their own, since four sums do not cover sdot's latency on every core. (Loads a quad ahead
// of their use, in pairs, gain nothing in LLVM's models of cores, and lose on the Neoverse N1.) For files compiled with
// dotprod or better.
#pragma once

#include "kernels/gemm/neon_dotprod_inl.h"

namespace mobilekernels {
namespace {

struct DotprodGemv {
  static constexpr int kRows = 1;
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    constexpr size_t kStep = kQuad * kPanelChannels;
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    int32x4_t even[1][4];
    int32x4_t odd[1][4];
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      even[0][i] = bias.val[i];
      odd[0][i] = vdupq_n_s32(0);
    });
    const auto* a = reinterpret_cast<const int8_t*>(gemm_loops::row_pointer(args, origin.row));
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    size_t q = 0;
    for (; q + 4 <= args.quads; q += 4, w += 4 * kStep) {
      const int8x16_t row[1] = {vld1q_s8(a + q * kQuad)};
      DotprodTile::step<1, 1, 0>(even, row, w);
      DotprodTile::step<1, 1, 1>(odd, row, w + kStep);
      DotprodTile::step<1, 1, 2>(even, row, w + 2 * kStep);
      DotprodTile::step<1, 1, 3>(odd, row, w + 3 * kStep);
    }
    for (; q < args.quads; ++q, w += kStep) {
      int32_t quad;
      __builtin_memcpy(&quad, a + q * kQuad, sizeof(quad));
      const int8x16_t row[1] = {vreinterpretq_s8_s32(vdupq_n_s32(quad))};
      DotprodTile::step<1, 1, 0>(even, row, w);
    }
    int32x4x4_t sums[1];
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { sums[0].val[i] = vaddq_s32(even[0][i], odd[0][i]); });
    gemm_loops::store_rows(args, origin, sums, constants);
  }
};

}  // namespace
}  // namespace mobilekernels
