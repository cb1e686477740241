// ARMv8.0 and armv7: int8 x int8 -> int16 products. Two of them fit int16 exactly (weights are in [-127, 127]:
// 2 * 128 * 127 = 32512), so two quads are multiplied and added before one pairwise add into int32.
#include <arm_neon.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/neon_store_inl.h"
#include "kernels/products_neon_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace products_neon;

constexpr size_t kStep = kQuad * kPanelChannels;  // bytes of a panel's quad

[[gnu::always_inline]] inline int8x16_t broadcast_quad(const char* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

template <int Lane>
[[gnu::always_inline]] inline int8x16_t broadcast_lane(int32x4_t quads) {
#if defined(__aarch64__)
  return vreinterpretq_s8_s32(vdupq_laneq_s32(quads, Lane));
#else
  return vreinterpretq_s8_s32(vdupq_lane_s32(Lane < 2 ? vget_low_s32(quads) : vget_high_s32(quads), Lane % 2));
#endif
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

  // One or two quads of k, eight channels at a time. All products before the sums that wait for them: in-order cores
  // need four cycles from one to the other.
  template <int Rows, int Quads>
  [[gnu::always_inline]] static void step(int32x4_t (&acc)[Rows][8], const int8x16_t (&first)[Rows],
                                          const int8x16_t (&second)[Rows], const int8_t* w) {
    unroll<2>([&](auto half) MOBILEKERNELS_INLINE_LAMBDA {
      constexpr size_t kSecond = Quads == 2 ? kStep : 0;
      const int8_t* at = w + 32 * half;
      const int8x16_t w0[2] = {vld1q_s8(at), vld1q_s8(at + 16)};
      const int8x16_t w1[2] = {vld1q_s8(at + kSecond), vld1q_s8(at + kSecond + 16)};
      unroll<2>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
        int16x8_t low[Rows];
        int16x8_t high[Rows];
        unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
          low[r] = mul_low(w0[j], first[r]);
          high[r] = mul_high(w0[j], first[r]);
        });
        if constexpr (Quads == 2) {
          unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
            low[r] = mla_low(low[r], w1[j], second[r]);
            high[r] = mla_high(high[r], w1[j], second[r]);
          });
        }
        constexpr int kSums = 4 * half + 2 * j;
        unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
          acc[r][kSums] = vpadalq_s16(acc[r][kSums], low[r]);
          acc[r][kSums + 1] = vpadalq_s16(acc[r][kSums + 1], high[r]);
        });
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
    for (; q + 4 <= args.quads; q += 4, w += 4 * kStep) {
      int32x4_t rows[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        rows[r] = vreinterpretq_s32_s8(vld1q_s8(reinterpret_cast<const int8_t*>(a[r]) + q * kQuad));
        first[r] = broadcast_lane<0>(rows[r]);
        second[r] = broadcast_lane<1>(rows[r]);
      });
      step<Rows, 2>(acc, first, second, w);
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        first[r] = broadcast_lane<2>(rows[r]);
        second[r] = broadcast_lane<3>(rows[r]);
      });
      step<Rows, 2>(acc, first, second, w + 2 * kStep);
    }
    if (q + 2 <= args.quads) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        first[r] = broadcast_quad(a[r] + q * kQuad);
        second[r] = broadcast_quad(a[r] + (q + 1) * kQuad);
      });
      step<Rows, 2>(acc, first, second, w);
      q += 2;
      w += 2 * kStep;
    }
    if (q < args.quads) {
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA { first[r] = broadcast_quad(a[r] + q * kQuad); });
      step<Rows, 1>(acc, first, first, w);
    }
    const int32x4x4_t bias = gemm_loops::load_bias(args, origin);
    int32x4x4_t sums[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        sums[r].val[i] = vaddq_s32(bias.val[i], add_pairs(acc[r][2 * i], acc[r][2 * i + 1]));
      });
    });
    gemm_loops::store_rows(args, origin, sums, constants);
  }
};

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows,           kPanelChannels,       1, true, gemm_loops::pack_int8,
                         gemm_loops::fill_int8, gemm_loops::run<Tile>};

}  // namespace neon
}  // namespace mobilekernels
