// ARMv8.2 with dot products: a vector of four pixels times one weight quad by lane. The block of four channels is one
// register whose lanes are its channels: 24 sums for seven loads. Of blocks of one channel four share a register, and
// pixels are read for each product.
#include "kernels/products_neon_dotprod_inl.h"
#include "kernels/spgemm/neon_inl.h"
#include "kernels/spgemm/row_neon_inl.h"

namespace mobilekernels {
namespace neon_dotprod {
namespace {

using products_neon::sdot_lane;
using spgemm_neon::kVector;

struct Sums {
  static constexpr int kMostVectors4 = 6;
  static constexpr int kMostVectors1 = 16;

  // The weight quads Lane, Lane + 1 .. of `w`, one a channel.
  template <int Lane, int Channels, int Vectors>
  [[gnu::always_inline]] static void add_block(int32x4_t (&acc)[Channels][Vectors], const int8_t* panel, uint16_t quad,
                                               int8x16_t w) {
    const int8_t* pixels = panel + size_t{quad} * (Vectors * kVector * kQuad);
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      const int8x16_t x = vld1q_s8(pixels + 16 * v);
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA { sdot_lane<Lane + c>(acc[c][v], x, w); });
    });
  }

  template <int Channels, int Vectors>
  [[gnu::always_inline]] static void add_blocks(const int8_t* panel, const uint16_t* quad, size_t blocks,
                                                const int8_t* w, const int32_t* bias, int32_t* sums) {
    int32x4_t acc[Channels][Vectors];
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][v] = vdupq_n_s32(bias[c]); });
    });
    constexpr size_t kAtOnce = 4 / Channels;  // blocks in a register
    const uint16_t* const end = quad + blocks;
    for (; quad + kAtOnce <= end; quad += kAtOnce, w += 16) {
      const int8x16_t weights = vld1q_s8(w);
      unroll<kAtOnce>([&](auto b) MOBILEKERNELS_INLINE_LAMBDA {
        add_block<b * Channels, Channels, Vectors>(acc, panel, quad[b], weights);
      });
    }
    if constexpr (kAtOnce > 1) {
      for (; quad != end; ++quad, w += kQuad) {
        add_block<0, Channels, Vectors>(acc, panel, *quad, spgemm_neon::load_quad(w));
      }
    }
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { vst1q_s32(sums + (c * Vectors + v) * 4, acc[c][v]); });
    });
  }
};

// Two sums: one alone would wait for sdot's latency.
struct Dot {
  int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);

  [[gnu::always_inline]] void add(int8x16_t x, int8x16_t w) { even = vdotq_s32(even, x, w); }
  [[gnu::always_inline]] void add2(int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
    even = vdotq_s32(even, x0, w0);
    odd = vdotq_s32(odd, x1, w1);
  }
  [[gnu::always_inline]] int32x4_t quads() const { return vaddq_s32(even, odd); }
};

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {kVector,           /*u8=*/false,           spgemm_neon::most_pixels<Sums>,
                             spgemm_neon::pack, spgemm_neon::run<Sums>, spgemm_neon::run_row<Dot>};

}  // namespace neon_dotprod
}  // namespace mobilekernels
