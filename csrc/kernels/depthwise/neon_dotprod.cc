// sdot: 16 channels of a pixel at a time, four taps an instruction.
#include "kernels/depthwise/neon_inl.h"
#include "kernels/depthwise/sliding_inl.h"

namespace mobilekernels {
namespace neon_dotprod {
namespace {

using namespace depthwise_loops;

struct Isa : NeonIsa {
  static constexpr int kTaps = 4;
  static constexpr bool kWeightsFit = true;
  static constexpr bool kTurns = true;
  using Sums = int32x4x4_t;
  using Taps = int8x16x4_t;

  // The four bytes of a channel next to each other.
  template <int Columns>
  [[gnu::always_inline]] static inline Taps interleave(const Element* const (&columns)[Columns]) {
    const int8x16_t row0 = vld1q_s8(columns[0]), row1 = vld1q_s8(columns[1]);
    const int8x16_t row2 = vld1q_s8(columns[2]), row3 = vld1q_s8(columns[Columns - 1]);
    const int16x8_t lo01 = vreinterpretq_s16_s8(vzip1q_s8(row0, row1)),
                    hi01 = vreinterpretq_s16_s8(vzip2q_s8(row0, row1));
    const int16x8_t lo23 = vreinterpretq_s16_s8(vzip1q_s8(row2, row3)),
                    hi23 = vreinterpretq_s16_s8(vzip2q_s8(row2, row3));
    return {{vreinterpretq_s8_s16(vzip1q_s16(lo01, lo23)), vreinterpretq_s8_s16(vzip2q_s16(lo01, lo23)),
             vreinterpretq_s8_s16(vzip1q_s16(hi01, hi23)), vreinterpretq_s8_s16(vzip2q_s16(hi01, hi23))}};
  }

  template <bool>
  [[gnu::always_inline]] static inline void dot(Sums& acc, const Taps& x, const Taps& w) {
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc.val[i] = vdotq_s32(acc.val[i], x.val[i], w.val[i]); });
  }

  static Taps weights_of(const DepthwiseArgs& args, const Block& block, const size_t (&taps)[4]) {
    static const int8_t zeros[kPanel] = {};
    const int8_t* rows[4];
    for (size_t i = 0; i < 4; ++i) rows[i] = taps[i] == kNone ? zeros : weights_at(args, block.first, taps[i]);
    return interleave(rows);
  }

  struct Tables {
    const Constants* constants;
    const int32_t* bias;
  };
  static Tables load_tables(const DepthwiseArgs& args, const Constants& constants, const Block& block) {
    return {&constants, args.epilogue.bias + block.first};
  }

  [[gnu::always_inline]] static inline Sums start(const Tables& tables) {
    Sums acc;
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc.val[i] = vld1q_s32(tables.bias + 4 * i); });
    return acc;
  }

  [[gnu::always_inline]] static inline void store(const Row<Element>& row, const Tables& tables, int8_t* out,
                                                  const Sums& acc) {
    const float* scale = row.args.epilogue.scale + row.block.first;
    epilogue_neon::store16(out, row.block.n, nullptr, acc, scale, *tables.constants);
  }

  static void store_any(const Row<Element>& row, const Tables& tables, size_t x, const Sums& acc) {
    store_pixel(row, *tables.constants, x, acc);
  }
};

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run<SlidingIsa<Isa>>};

}  // namespace neon_dotprod
}  // namespace mobilekernels
