// smmla: 2 rows x 8 k by 2 channels x 8 k, a 2 x 2 tile of sums an instruction. Two quads of a weight panel, zipped
// by 32-bit lanes, are its operand: (c0 k0-3, c0 k4-7, c1 k0-3, c1 k4-7).
#include <arm_neon.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/neon_store_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon_i8mm {
namespace {

// A pair of rows, 8 k of each. The last row of an odd tile is paired with itself.
[[gnu::always_inline]] inline int8x16_t pair_of_rows(const int8_t* first, const int8_t* second) {
  return vcombine_s8(vld1_s8(first), vld1_s8(second));
}

[[gnu::always_inline]] inline int8x8_t last_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpret_s8_s32(vset_lane_s32(quad, vdup_n_s32(0), 0));
}

[[gnu::always_inline]] inline int8x16_t zip_lo(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s8_s32(vzip1q_s32(a, b));
}
[[gnu::always_inline]] inline int8x16_t zip_hi(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s8_s32(vzip2q_s32(a, b));
}

struct Tile {
  static constexpr int kRows = 4;
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  // Eight k: acc[p][i] holds rows 2p, 2p + 1 by channels 2i, 2i + 1. `w1` is null past the last quad.
  template <int Pairs>
  [[gnu::always_inline]] static void step(int32x4_t (&acc)[Pairs][8], const int8x16_t (&rows)[Pairs], const int8_t* w0,
                                          const int8_t* w1) {
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(w0 + 16 * i));
      const int32x4_t second = w1 == nullptr ? vdupq_n_s32(0) : vreinterpretq_s32_s8(vld1q_s8(w1 + 16 * i));
      const int8x16_t lo = zip_lo(first, second);
      const int8x16_t hi = zip_hi(first, second);
      unroll<Pairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        acc[p][2 * i] = vmmlaq_s32(acc[p][2 * i], rows[p], lo);
        acc[p][2 * i + 1] = vmmlaq_s32(acc[p][2 * i + 1], rows[p], hi);
      });
    });
  }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    constexpr int kPairs = (Rows + 1) / 2;
    int32x4_t acc[kPairs][8];
    const int8_t* a[2 * kPairs];
    unroll<2 * kPairs>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr int kReal = r < Rows ? r : Rows - 1;
      a[r] = reinterpret_cast<const int8_t*>(gemm_loops::row_pointer(args, origin.row + kReal));
    });
    unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<8>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[p][i] = vdupq_n_s32(0); });
    });
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    constexpr size_t kStep = kQuad * kPanelChannels;
    int8x16_t rows[kPairs];
    size_t q = 0;
    for (; q + 2 <= args.quads; q += 2) {
      unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        rows[p] = pair_of_rows(a[2 * p] + q * kQuad, a[2 * p + 1] + q * kQuad);
      });
      step<kPairs>(acc, rows, w, w + kStep);
      w += 2 * kStep;
    }
    if (q < args.quads) {
      unroll<kPairs>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        rows[p] = vcombine_s8(last_quad(a[2 * p] + q * kQuad), last_quad(a[2 * p + 1] + q * kQuad));
      });
      step<kPairs>(acc, rows, w, nullptr);
    }
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      int32x4x4_t sums;
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        const int64x2_t x = vreinterpretq_s64_s32(acc[r / 2][2 * i]);
        const int64x2_t y = vreinterpretq_s64_s32(acc[r / 2][2 * i + 1]);
        const int64x2_t row = r % 2 == 0 ? vzip1q_s64(x, y) : vzip2q_s64(x, y);
        sums.val[i] = vaddq_s32(bias.val[i], vreinterpretq_s32_s64(row));
      });
      gemm_loops::store_panel(args, origin, origin.row + r, sums, constants);
    });
  }
};

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows,           kPanelChannels,       1, true, gemm_loops::pack_int8,
                         gemm_loops::fill_int8, gemm_loops::run<Tile>};

}  // namespace neon_i8mm
}  // namespace mobilekernels
