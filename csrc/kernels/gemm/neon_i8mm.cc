// smmla: 2 rows x 8 k by 2 channels x 8 k, a 2 x 2 tile of sums an instruction. Two quads of a weight panel, zipped
// by 32-bit lanes, are its operand: (c0 k0-3, c0 k4-7, c1 k0-3, c1 k4-7). Where many rows use a panel it is zipped
// once, into scratch memory; a few rows zip as they go. One row alone would leave half of each smmla idle: it takes
// sdot.
#include <arm_neon.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/gemv_neon_dotprod_inl.h"
#include "kernels/gemm/neon_store_inl.h"
#include "kernels/products_neon_i8mm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon_i8mm {
namespace {

using products_neon::smmla;

constexpr size_t kStep = kQuad * kPanelChannels;  // bytes of a panel's quad

// Channels 4i .. 4i + 3, eight k of each. `second` is null past the last quad.
struct ZippedPair {
  int8x16_t lo, hi;
};
[[gnu::always_inline]] inline ZippedPair zip_quads(const int8_t* first, const int8_t* second) {
  const int32x4_t x = vreinterpretq_s32_s8(vld1q_s8(first));
  const int32x4_t y = second == nullptr ? vdupq_n_s32(0) : vreinterpretq_s32_s8(vld1q_s8(second));
  return {vreinterpretq_s8_s32(vzip1q_s32(x, y)), vreinterpretq_s8_s32(vzip2q_s32(x, y))};
}

void zip_panel(const int8_t* w, size_t quads, int8_t* zipped) {
  for (size_t q = 0; q < quads; q += 2, w += 2 * kStep, zipped += 2 * kStep) {
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const ZippedPair pair = zip_quads(w + 16 * i, q + 1 < quads ? w + kStep + 16 * i : nullptr);
      vst1q_s8(zipped + 32 * i, pair.lo);
      vst1q_s8(zipped + 32 * i + 16, pair.hi);
    });
  }
}

[[gnu::always_inline]] inline int8x8_t last_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpret_s8_s32(vset_lane_s32(quad, vdup_n_s32(0), 0));
}

template <bool Zipped>
struct Tile {
  static constexpr int kRows = 6;
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  // Eight k: acc[p][i] holds rows 2p, 2p + 1 by channels 2i, 2i + 1. `Quads` is 1 past the last full pair.
  template <int Pairs, int Quads>
  [[gnu::always_inline]] static void step(int32x4_t (&acc)[Pairs][8], const int8x16_t (&rows)[Pairs], const int8_t* w) {
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      ZippedPair weights;
      if constexpr (Zipped) {
        weights = {vld1q_s8(w + 32 * i), vld1q_s8(w + 32 * i + 16)};
      } else {
        weights = zip_quads(w + 16 * i, Quads == 2 ? w + kStep + 16 * i : nullptr);
      }
      unroll<Pairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { smmla(acc[p][2 * i], rows[p], weights.lo); });
      unroll<Pairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { smmla(acc[p][2 * i + 1], rows[p], weights.hi); });
    });
  }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    constexpr int kPairs = (Rows + 1) / 2;
    int32x4_t acc[kPairs][8];
    const int8_t* a[2 * kPairs];
    unroll<2 * kPairs>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kReal = r < Rows ? r : Rows - 1;  // the last row of an odd tile is paired with itself
      a[r] = reinterpret_cast<const int8_t*>(gemm_loops::row_pointer(args, origin.row + kReal));
    });
    unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<8>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[p][i] = vdupq_n_s32(0); });
    });
    const int8_t* w =
        Zipped ? static_cast<const int8_t*>(args.scratch) : gemm_loops::panel_pointer(args, origin.channel);
    size_t q = 0;
    for (; q + 4 <= args.quads; q += 4, w += 4 * kStep) {
      int8x16_t first[kPairs];
      int8x16_t second[kPairs];
      unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        const int64x2_t x = vreinterpretq_s64_s8(vld1q_s8(a[2 * p] + q * kQuad));
        const int64x2_t y = vreinterpretq_s64_s8(vld1q_s8(a[2 * p + 1] + q * kQuad));
        first[p] = vreinterpretq_s8_s64(vzip1q_s64(x, y));
        second[p] = vreinterpretq_s8_s64(vzip2q_s64(x, y));
      });
      step<kPairs, 2>(acc, first, w);
      step<kPairs, 2>(acc, second, w + 2 * kStep);
    }
    int8x16_t rows[kPairs];
    if (q + 2 <= args.quads) {
      unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        rows[p] = vcombine_s8(vld1_s8(a[2 * p] + q * kQuad), vld1_s8(a[2 * p + 1] + q * kQuad));
      });
      step<kPairs, 2>(acc, rows, w);
      q += 2;
      w += 2 * kStep;
    }
    if (q < args.quads) {
      unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        rows[p] = vcombine_s8(last_quad(a[2 * p] + q * kQuad), last_quad(a[2 * p + 1] + q * kQuad));
      });
      step<kPairs, 1>(acc, rows, w);
    }
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    int32x4x4_t sums[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        const int64x2_t x = vreinterpretq_s64_s32(acc[r / 2][2 * i]);
        const int64x2_t y = vreinterpretq_s64_s32(acc[r / 2][2 * i + 1]);
        const int64x2_t row = r % 2 == 0 ? vzip1q_s64(x, y) : vzip2q_s64(x, y);
        sums[r].val[i] = vaddq_s32(bias.val[i], vreinterpretq_s32_s64(row));
      });
    });
    gemm_loops::store_rows(args, origin, sums, constants);
  }
};

void run(const GemmArgs& args) {
  if (args.rows == 1) {
    gemm_loops::run<DotprodGemv>(args);
    return;
  }
  // One tile of rows would read each zipped panel once.
  if (args.scratch == nullptr || args.rows <= Tile<true>::kRows) {
    gemm_loops::run<Tile<false>>(args);
    return;
  }
  const auto constants = Tile<true>::load_constants(args.epilogue);
  for (size_t c = 0; c < args.channels; c += kPanelChannels) {
    zip_panel(gemm_loops::panel_pointer(args, c), args.quads, static_cast<int8_t*>(args.scratch));
    const size_t left = args.channels - c;
    gemm_loops::run_panels<Tile<true>, 1>(args, {0, c, left < kPanelChannels ? left : kPanelChannels}, constants);
  }
}

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile<true>::kRows, kPanelChannels, 1, true, gemm_loops::pack_int8, gemm_loops::fill_int8, run};

}  // namespace neon_i8mm
}  // namespace mobilekernels
