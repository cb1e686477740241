// ARMv8.0 and armv7: int8 x int8 -> int16 products. Two of them fit int16 exactly (weights are in [-127, 127]:
// 2 * 128 * 127 = 32512), so two quads are multiplied and added before one pairwise add into int32.
#include <arm_neon.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/neon_store_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon {
namespace {

[[gnu::always_inline]] inline int8x8_t broadcast_quad(const char* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpret_s8_s32(vdup_n_s32(quad));
}

[[gnu::always_inline]] inline int32x4_t add_pairs(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
  return vpaddq_s32(a, b);
#else
  return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

struct Tile {
#if defined(__aarch64__)
  static constexpr int kRows = 2;
#else
  static constexpr int kRows = 1;  // 16 vector registers: one row's eight accumulators and two quads of weights
#endif
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    int32x4_t acc[Rows][8];  // channels 2i and 2i + 1, each as two half sums
    const char* a[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      a[r] = gemm_loops::row_pointer(args, origin.row + r);
      unroll<8>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[r][i] = vdupq_n_s32(0); });
    });
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    size_t q = 0;
    for (; q + 2 <= args.quads; q += 2) {
      int8x8_t first[Rows];
      int8x8_t second[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        first[r] = broadcast_quad(a[r] + q * kQuad);
        second[r] = broadcast_quad(a[r] + (q + 1) * kQuad);
      });
      unroll<8>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x8_t w0 = vld1_s8(w + 8 * i);
        const int8x8_t w1 = vld1_s8(w + 8 * i + kQuad * kPanelChannels);
        unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
          acc[r][i] = vpadalq_s16(acc[r][i], vmlal_s8(vmull_s8(w0, first[r]), w1, second[r]));
        });
      });
      w += 2 * kQuad * kPanelChannels;
    }
    if (q < args.quads) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x8_t quad = broadcast_quad(a[r] + q * kQuad);
        unroll<8>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
          acc[r][i] = vpadalq_s16(acc[r][i], vmull_s8(vld1_s8(w + 8 * i), quad));
        });
      });
    }
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      int32x4x4_t sums;
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        sums.val[i] = vaddq_s32(bias.val[i], add_pairs(acc[r][2 * i], acc[r][2 * i + 1]));
      });
      gemm_loops::store_panel(args, origin, origin.row + r, sums, constants);
    });
  }
};

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows,           kPanelChannels,       1, true, gemm_loops::pack_int8,
                         gemm_loops::fill_int8, gemm_loops::run<Tile>};

}  // namespace neon
}  // namespace mobilekernels
