// ARMv8.6 with int8 matrix products: two blocks of a row group are the eight k of smmla. Zipped by 32-bit lanes, the
// blocks are two operands of two channels, and two quads of four pixels are two operands of two pixels: four smmla and
// two zips where sdot takes eight products. Blocks of one channel would leave half of each smmla idle: they take sdot.
#include "kernels/products_neon_i8mm_inl.h"
#include "kernels/spgemm/neon_dotprod_inl.h"

namespace mobilekernels {
namespace neon_i8mm {
namespace {

using products_neon::smmla;
using spgemm_neon::kVectorBytes;
using spgemm_neon::quad_at;

// Lanes of both in turn: of the first two, and of the last two.
struct Zipped {
  int8x16_t low, high;

  [[gnu::always_inline]] Zipped(int8x16_t first, int8x16_t second)
      : low(vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(first), vreinterpretq_s32_s8(second)))),
        high(vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(first), vreinterpretq_s32_s8(second)))) {}
};

struct Sums : DotprodSums {
  // A vector's sums: channels 2 i, 2 i + 1 by pixels 2 j, 2 j + 1 in [2 i + j].
  using Squares = int32x4_t[4];

  template <int Vectors>
  [[gnu::always_inline]] static void add_two(Squares (&acc)[Vectors], const int8_t* pixels0, const int8_t* pixels1,
                                             const Zipped& w) {
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      const Zipped x(vld1q_s8(pixels0 + 16 * v), vld1q_s8(pixels1 + 16 * v));
      smmla(acc[v][0], w.low, x.low);
      smmla(acc[v][1], w.low, x.high);
      smmla(acc[v][2], w.high, x.low);
      smmla(acc[v][3], w.high, x.high);
    });
  }

  template <int Channels, int Vectors>
  [[gnu::always_inline]] static void add_blocks(int32x4_t (&sums)[Channels][Vectors], const int8_t* panel,
                                                const uint16_t* quad, size_t blocks, const int8_t* w,
                                                const int32_t* bias) {
    if constexpr (Channels == 1) {
      DotprodSums::add_blocks(sums, panel, quad, blocks, w, bias);
    } else {
      Squares acc[Vectors];
      unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
        const int32x2_t two = vdup_n_s32(bias[c]);
        unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
          unroll<2>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
            int32x4_t& square = acc[v][c / 2 * 2 + j];
            square = c % 2 == 0 ? vcombine_s32(two, two) : vcombine_s32(vget_low_s32(square), two);
          });
        });
      });
      const uint16_t* const end = quad + blocks;
      for (; quad + 2 <= end; quad += 2, w += 32) {
        add_two(acc, quad_at<Vectors * kVectorBytes>(panel, quad[0]), quad_at<Vectors * kVectorBytes>(panel, quad[1]),
                Zipped(vld1q_s8(w), vld1q_s8(w + 16)));
      }
      if (quad != end) {
        const int8_t* pixels = quad_at<Vectors * kVectorBytes>(panel, *quad);
        add_two(acc, pixels, pixels, Zipped(vld1q_s8(w), vdupq_n_s8(0)));
      }
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
        unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
          sums[2 * i][v] = spgemm_neon::low_halves(acc[v][2 * i], acc[v][2 * i + 1]);
          sums[2 * i + 1][v] = spgemm_neon::high_halves(acc[v][2 * i], acc[v][2 * i + 1]);
        });
      });
    }
  }
};

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {spgemm_neon::kVector,
                             /*u8=*/false,           spgemm_neon::most_pixels<Sums>,  spgemm_neon::pack,
                             spgemm_neon::run<Sums>, spgemm_neon::run_row<DotprodDot>};

}  // namespace neon_i8mm
}  // namespace mobilekernels
