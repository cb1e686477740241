// Dwords between pixels side by side and channels side by side: activations on their way into panels, sums on their way
// out.
#pragma once

#include <arm_neon.h>

#include "kernels/gemm/neon_store_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_neon {

constexpr size_t kVector = 4;  // pixels

[[gnu::always_inline]] static inline int8x16_t load_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

[[gnu::always_inline]] static inline void transpose(int32x4_t (&v)[4]) {
  const int32x4x2_t a = vtrnq_s32(v[0], v[1]);
  const int32x4x2_t b = vtrnq_s32(v[2], v[3]);
  v[0] = vcombine_s32(vget_low_s32(a.val[0]), vget_low_s32(b.val[0]));
  v[1] = vcombine_s32(vget_low_s32(a.val[1]), vget_low_s32(b.val[1]));
  v[2] = vcombine_s32(vget_high_s32(a.val[0]), vget_high_s32(b.val[0]));
  v[3] = vcombine_s32(vget_high_s32(a.val[1]), vget_high_s32(b.val[1]));
}

static inline void pack(const SpgemmPack& args) {
  const int32x4_t flip = vreinterpretq_s32_u8(vdupq_n_u8(args.flip));
  const size_t stride = args.pixels * kQuad;
  for (size_t p = 0; p < args.pixels; p += kVector) {
    const int8_t* const* rows = args.rows + p;
    auto* to = static_cast<int8_t*>(args.to) + p * kQuad;
    size_t q = 0;
    for (; q + 4 <= args.quads; q += 4, to += 4 * stride) {
      int32x4_t v[4];
      unroll<4>([&](auto i)
                    MOBILEKERNELS_INLINE_LAMBDA { v[i] = vreinterpretq_s32_s8(vld1q_s8(rows[i] + q * kQuad)); });
      transpose(v);
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        vst1q_s8(to + i * stride, vreinterpretq_s8_s32(veorq_s32(v[i], flip)));
      });
    }
    for (; q < args.quads; ++q, to += stride) {
      int8_t quads[16];
      unroll<4>([&](auto i)
                    MOBILEKERNELS_INLINE_LAMBDA { __builtin_memcpy(quads + i * kQuad, rows[i] + q * kQuad, kQuad); });
      vst1q_s8(to, veorq_s8(vld1q_s8(quads), vreinterpretq_s8_s32(flip)));
    }
  }
}

// Where sums go: the end of a dense tile, to which a pixel is a row.
struct Output {
  explicit Output(const SpgemmArgs& args) : constants(epilogue_neon::load_constants(args.epilogue)) {
    gemm.out = args.out;
    gemm.out_float = args.out_float;
    gemm.out_stride = args.out_stride;
    gemm.epilogue = args.epilogue;
  }

  GemmArgs gemm{};
  epilogue_neon::Constants constants;
};

template <int Pixels>
[[gnu::noinline]] static void store_exactly(const Output& output, const gemm_loops::TileOrigin& origin,
                                            const int32_t* sums, size_t stride) {
  int32x4x4_t pixels[Pixels];
  unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
    int32x4_t v[4];
    const int32_t* from = sums + 4 * i * stride;
    unroll<4>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA { v[c] = vld1q_s32(from + c * stride); });
    transpose(v);
    unroll<Pixels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { pixels[p].val[i] = v[p]; });
  });
  gemm_loops::store_rows(output.gemm, origin, pixels, output.constants);
}

// Pixels [first, first + pixels), at most `Most`, of a tile of channels, whose sums are rows of pixels.
template <int Most>
static inline void store_pixels(const Output& output, size_t first, size_t pixels,
                                const spgemm_loops::ChannelTile& channels, const int32_t* sums, size_t stride) {
  if (pixels == Most) {
    store_exactly<Most>(output, {first, channels.first, channels.channels}, sums, stride);
  } else if constexpr (Most > 1) {
    store_pixels<Most - 1>(output, first, pixels, channels, sums, stride);
  }
}

}  // namespace mobilekernels::spgemm_neon
