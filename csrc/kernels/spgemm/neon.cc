// ARMv8.0 and armv7: int8 x int8 -> int16 products. Two of them fit int16 exactly (see gemm/neon.cc), so two blocks of
// a row group are multiplied and added before one pairwise add into int32. A sum of four pixels is two vectors of half
// sums.
#include "kernels/products_neon_inl.h"
#include "kernels/spgemm/neon_inl.h"
#include "kernels/spgemm/row_neon_inl.h"

namespace mobilekernels {
namespace neon {
namespace {

using namespace products_neon;
using spgemm_neon::kVector;
using spgemm_neon::load_quad;

[[gnu::always_inline]] inline int32x4_t add_pairs(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
  return vpaddq_s32(a, b);
#else
  return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

// Four quads' sums, two lanes each.
struct Dot {
  int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);

  [[gnu::always_inline]] void add(int8x16_t x, int8x16_t w) {
    low = vpadalq_s16(low, mul_low(x, w));
    high = vpadalq_s16(high, mul_high(x, w));
  }
  [[gnu::always_inline]] void add2(int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
    const int16x8_t first = mul_low(x0, w0);
    const int16x8_t second = mul_high(x0, w0);
    low = vpadalq_s16(low, mla_low(first, x1, w1));
    high = vpadalq_s16(high, mla_high(second, x1, w1));
  }
  [[gnu::always_inline]] int32x4_t quads() const { return add_pairs(low, high); }
};

struct Sums {
#if defined(__aarch64__)
  static constexpr int kMostVectors4 = 2;
  static constexpr int kMostVectors1 = 8;
#else
  static constexpr int kMostVectors4 = 1;  // 16 vector registers: eight sums, two quads of pixels and of weights
  static constexpr int kMostVectors1 = 4;
#endif

  template <int Channels, int Vectors>
  [[gnu::always_inline]] static void add_blocks(const int8_t* panel, const uint16_t* quad, size_t blocks,
                                                const int8_t* w, const int32_t* bias, int32_t* sums) {
    constexpr size_t kQuadStride = Vectors * kVector * kQuad;
    constexpr size_t kBlockBytes = Channels * kQuad;
    Dot acc[Channels][Vectors];
    for (; blocks >= 2; blocks -= 2, quad += 2, w += 2 * kBlockBytes) {
      const int8_t* x0 = panel + quad[0] * kQuadStride;
      const int8_t* x1 = panel + quad[1] * kQuadStride;
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x16_t w0 = load_quad(w + c * kQuad);
        const int8x16_t w1 = load_quad(w + kBlockBytes + c * kQuad);
        unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
          acc[c][v].add2(vld1q_s8(x0 + 16 * v), w0, vld1q_s8(x1 + 16 * v), w1);
        });
      });
    }
    if (blocks > 0) {
      const int8_t* x = panel + quad[0] * kQuadStride;
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
        const int8x16_t weights = load_quad(w + c * kQuad);
        unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][v].add(vld1q_s8(x + 16 * v), weights); });
      });
    }
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      const int32x4_t first = vdupq_n_s32(bias[c]);
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
        vst1q_s32(sums + (c * Vectors + v) * 4, vaddq_s32(first, acc[c][v].quads()));
      });
    });
  }
};

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {kVector,           /*u8=*/false,           spgemm_neon::most_pixels<Sums>,
                             spgemm_neon::pack, spgemm_neon::run<Sums>, spgemm_neon::run_row<Dot>};

}  // namespace neon
}  // namespace mobilekernels
