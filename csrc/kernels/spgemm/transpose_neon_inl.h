// Dwords between pixels side by side and channels side by side: activations on their way into panels, sums on their way
// out.
#pragma once

#include <arm_neon.h>

#include "kernels/gemm/neon_store_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_neon {

using spgemm_loops::kQuad;

constexpr size_t kVector = 4;  // pixels
constexpr size_t kVectorBytes = kVector * kQuad;

// gcc knows no more what the address was made of. It would make those of loads next to each other apart, which then
// are no pairs.
[[gnu::always_inline]] static inline void hide(const int8_t*& p) { asm("" : "+r"(p)); }

// Pixels of one quad, in a panel of `Stride` bytes a quad.
template <size_t Stride>
[[gnu::always_inline]] static inline const int8_t* quad_at(const int8_t* panel, uint16_t quad) {
  const int8_t* pixels = panel + size_t{quad} * Stride;
  hide(pixels);
  return pixels;
}

[[gnu::always_inline]] static inline int8x16_t load_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

// Lanes 0 and 1, or 2 and 3, of both. gcc takes three moves for a vcombine of halves.
[[gnu::always_inline]] static inline int32x4_t low_halves(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
  return vreinterpretq_s32_s64(vtrn1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
#else
  return vcombine_s32(vget_low_s32(a), vget_low_s32(b));
#endif
}

[[gnu::always_inline]] static inline int32x4_t high_halves(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
  return vreinterpretq_s32_s64(vtrn2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
#else
  return vcombine_s32(vget_high_s32(a), vget_high_s32(b));
#endif
}

[[gnu::always_inline]] static inline void transpose(int32x4_t (&v)[4]) {
  const int32x4x2_t a = vtrnq_s32(v[0], v[1]);
  const int32x4x2_t b = vtrnq_s32(v[2], v[3]);
  v[0] = low_halves(a.val[0], b.val[0]);
  v[1] = low_halves(a.val[1], b.val[1]);
  v[2] = high_halves(a.val[0], b.val[0]);
  v[3] = high_halves(a.val[1], b.val[1]);
}

// A square of 4 x 4 bytes.
[[gnu::always_inline]] static inline int8x16_t transpose_bytes(int8x16_t rows) {
  constexpr uint8_t kFrom[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const uint8x16_t from = vld1q_u8(kFrom);
#if defined(__aarch64__)
  return vqtbl1q_s8(rows, from);
#else
  const int8x8x2_t table = {{vget_low_s8(rows), vget_high_s8(rows)}};
  const int8x16_t signed_from = vreinterpretq_s8_u8(from);
  return vcombine_s8(vtbl2_s8(table, vget_low_s8(signed_from)), vtbl2_s8(table, vget_high_s8(signed_from)));
#endif
}

// Four pixels of a panel. Stores of int8 may alias anything: what the loop reads is in local variables.
template <bool Flip>
static inline void pack_pixels(int8_t* to, size_t stride, const int8_t* const* from, size_t quads, int8x16_t flip) {
  const int8_t* rows[4];
  unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { rows[i] = from[i]; });
  const auto flipped = [&](int8x16_t x) MOBILEKERNELS_INLINE_LAMBDA { return Flip ? veorq_s8(x, flip) : x; };
  size_t q = 0;
  for (; q + 4 <= quads; q += 4, to += 4 * stride) {
    int32x4_t v[4];
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { v[i] = vreinterpretq_s32_s8(vld1q_s8(rows[i] + q * kQuad)); });
    transpose(v);
    unroll<4>([&](auto i)
                  MOBILEKERNELS_INLINE_LAMBDA { vst1q_s8(to + i * stride, flipped(vreinterpretq_s8_s32(v[i]))); });
  }
  for (; q < quads; ++q, to += stride) {
    int8_t four[16];
    unroll<4>([&](auto i)
                  MOBILEKERNELS_INLINE_LAMBDA { __builtin_memcpy(four + i * kQuad, rows[i] + q * kQuad, kQuad); });
    vst1q_s8(to, flipped(vld1q_s8(four)));
  }
}

static inline void pack(const SpgemmPack& args) {
  const int8x16_t flip = vreinterpretq_s8_u8(vdupq_n_u8(args.flip));
  const auto pack_four = args.flip == 0 ? pack_pixels<false> : pack_pixels<true>;
  for (size_t p = 0; p < args.pixels; p += kVector) {
    pack_four(static_cast<int8_t*>(args.to) + p * kQuad, args.pixels * kQuad, args.rows + p, args.quads, flip);
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

// Lane `Lane` of `v` to `to`, which goes on by `step`.
template <int Lane>
[[gnu::always_inline]] static inline void store_lane(int8_t*& to, size_t step, int32x4_t v) {
#if defined(__aarch64__)
  asm volatile("st1 {%1.s}[%3], [%0], %2" : "+r"(to) : "w"(v), "r"(step), "i"(Lane) : "memory");
#else
  const int32_t lane = vgetq_lane_s32(v, Lane);
  __builtin_memcpy(to, &lane, sizeof(lane));
  to += step;
#endif
}

// Four channels of four pixels, rows of pixels, requantized on their way: `to` goes on to the next four pixels.
[[gnu::always_inline]] static inline void store_four(int8_t*& to, size_t out_stride, const int32x4x4_t& channels,
                                                     float32x4_t scale, const epilogue_neon::Bounds& bounds) {
  const int8x16_t bytes = epilogue_neon::requantize_rows(channels, scale, bounds);
  const int32x4_t pixels = vreinterpretq_s32_s8(transpose_bytes(bytes));
  unroll<4>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { store_lane<p>(to, out_stride, pixels); });
}

}  // namespace mobilekernels::spgemm_neon
