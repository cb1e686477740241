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
using spgemm_neon::kVectorBytes;
using spgemm_neon::load_quad;
using spgemm_neon::quad_at;

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

// Weights of a block, and a channel's quad of them in all lanes. Where they come from is hidden from gcc, which would
// load each quad for itself, and then spread it.
template <int Channels>
[[gnu::always_inline]] inline int8x16_t load_block(const int8_t* w) {
  if constexpr (Channels == 1) return load_quad(w);
  int8x16_t block = vld1q_s8(w);
  asm("" : "+w"(block));
  return block;
}

template <int Channel>
[[gnu::always_inline]] inline int8x16_t quad_of(int8x16_t block) {
  const int32x4_t quads = vreinterpretq_s32_s8(block);
#if defined(__aarch64__)
  return vreinterpretq_s8_s32(vdupq_laneq_s32(quads, Channel));
#else
  return vreinterpretq_s8_s32(vdupq_lane_s32(Channel < 2 ? vget_low_s32(quads) : vget_high_s32(quads), Channel % 2));
#endif
}

struct Sums {
  static constexpr size_t kFirstLevelBytes = 32 * 1024;  // of most cores
#if defined(__aarch64__)
  static constexpr int kMostVectors4 = 2;
  static constexpr int kMostVectors1 = 8;
#else
  static constexpr int kMostVectors4 = 1;  // 16 vector registers: eight sums, two quads of pixels and of weights
  static constexpr int kMostVectors1 = 4;
#endif

  // Vectors First .. of two quads: two of each are loaded by one instruction.
  template <int First, int Channels, int Vectors>
  [[gnu::always_inline]] static void add_two(Dot (&acc)[Channels][Vectors], const int8_t* pixels0, int8x16_t w0,
                                             const int8_t* pixels1, int8x16_t w1) {
    constexpr int kLoad = Vectors - First >= 2 ? 2 : 1;
    int8x16_t x0[kLoad], x1[kLoad];
    unroll<kLoad>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { x0[v] = vld1q_s8(pixels0 + 16 * (First + v)); });
    unroll<kLoad>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { x1[v] = vld1q_s8(pixels1 + 16 * (First + v)); });
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      const int8x16_t quad0 = quad_of<c>(w0), quad1 = quad_of<c>(w1);
      unroll<kLoad>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][First + v].add2(x0[v], quad0, x1[v], quad1); });
    });
    if constexpr (First + kLoad < Vectors) add_two<First + kLoad>(acc, pixels0, w0, pixels1, w1);
  }

  template <int Channels, int Vectors>
  [[gnu::always_inline]] static void add_blocks(int32x4_t (&sums)[Channels][Vectors], const int8_t* panel,
                                                const uint16_t* quad, size_t blocks, const int8_t* w,
                                                const int32_t* bias) {
    constexpr size_t kStride = Vectors * kVectorBytes;
    constexpr size_t kBlockBytes = Channels * kQuad;
    Dot acc[Channels][Vectors];
    for (; blocks >= 2; blocks -= 2, quad += 2, w += 2 * kBlockBytes) {
      add_two<0>(acc, quad_at<kStride>(panel, quad[0]), load_block<Channels>(w), quad_at<kStride>(panel, quad[1]),
                 load_block<Channels>(w + kBlockBytes));
    }
    if (blocks > 0) {
      const int8_t* pixels = quad_at<kStride>(panel, *quad);
      const int8x16_t weights = load_block<Channels>(w);
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
        unroll<Vectors>(
            [&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][v].add(vld1q_s8(pixels + 16 * v), quad_of<c>(weights)); });
      });
    }
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      const int32x4_t first = vdupq_n_s32(bias[c]);
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { sums[c][v] = vaddq_s32(first, acc[c][v].quads()); });
    });
  }
};

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {kVector,           /*u8=*/false,           spgemm_neon::most_pixels<Sums>,
                             spgemm_neon::pack, spgemm_neon::run<Sums>, spgemm_neon::run_row<Dot>};

}  // namespace neon
}  // namespace mobilekernels
