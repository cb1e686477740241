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

[[gnu::always_inline]] inline int8x16_t broadcast_quad(const char* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

// Products of the low and of the high halves.
[[gnu::always_inline]] inline int16x8_t mul_low(int8x16_t a, int8x16_t b) {
  return vmull_s8(vget_low_s8(a), vget_low_s8(b));
}
[[gnu::always_inline]] inline int16x8_t mla_low(int16x8_t sum, int8x16_t a, int8x16_t b) {
  return vmlal_s8(sum, vget_low_s8(a), vget_low_s8(b));
}
#if defined(__aarch64__)
[[gnu::always_inline]] inline int16x8_t mul_high(int8x16_t a, int8x16_t b) { return vmull_high_s8(a, b); }
[[gnu::always_inline]] inline int16x8_t mla_high(int16x8_t sum, int8x16_t a, int8x16_t b) {
  return vmlal_high_s8(sum, a, b);
}
[[gnu::always_inline]] inline int32x4_t add_pairs(int32x4_t a, int32x4_t b) { return vpaddq_s32(a, b); }
#else
[[gnu::always_inline]] inline int16x8_t mul_high(int8x16_t a, int8x16_t b) {
  return vmull_s8(vget_high_s8(a), vget_high_s8(b));
}
[[gnu::always_inline]] inline int16x8_t mla_high(int16x8_t sum, int8x16_t a, int8x16_t b) {
  return vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b));
}
[[gnu::always_inline]] inline int32x4_t add_pairs(int32x4_t a, int32x4_t b) {
  return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}
#endif

struct Tile {
#if defined(__aarch64__)
  static constexpr int kRows = 2;
#else
  static constexpr int kRows = 1;  // 16 vector registers: one row's eight accumulators and two quads of weights
#endif
  static constexpr int kPanels = 1;
  using Constants = epilogue_neon::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_neon::load_constants(epilogue); }

  // Channels 4j .. 4j + 3, one or two quads of k. All rows' products before the sums that wait for them: in-order
  // cores need four cycles from one to the other.
  template <int Rows, int Quads>
  [[gnu::always_inline]] static void step(int32x4_t (&acc)[Rows][8], const int8x16_t (&first)[Rows],
                                          const int8x16_t (&second)[Rows], const int8_t* w) {
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
      int16x8_t low[Rows];
      int16x8_t high[Rows];
      const int8x16_t w0 = vld1q_s8(w + 16 * j);
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        low[r] = mul_low(w0, first[r]);
        high[r] = mul_high(w0, first[r]);
      });
      if constexpr (Quads == 2) {
        const int8x16_t w1 = vld1q_s8(w + 16 * j + kQuad * kPanelChannels);
        unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
          low[r] = mla_low(low[r], w1, second[r]);
          high[r] = mla_high(high[r], w1, second[r]);
        });
      }
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        acc[r][2 * j] = vpadalq_s16(acc[r][2 * j], low[r]);
        acc[r][2 * j + 1] = vpadalq_s16(acc[r][2 * j + 1], high[r]);
      });
    });
  }

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
    int8x16_t first[Rows];
    int8x16_t second[Rows];
    size_t q = 0;
    for (; q + 2 <= args.quads; q += 2) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        first[r] = broadcast_quad(a[r] + q * kQuad);
        second[r] = broadcast_quad(a[r] + (q + 1) * kQuad);
      });
      step<Rows, 2>(acc, first, second, w);
      w += 2 * kQuad * kPanelChannels;
    }
    if (q < args.quads) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA { first[r] = broadcast_quad(a[r] + q * kQuad); });
      step<Rows, 1>(acc, first, first, w);
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
