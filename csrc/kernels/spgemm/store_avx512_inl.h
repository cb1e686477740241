// The end of AVX-512's block-sparse tiles: sums lie channel by channel, 16 pixels side by side; outputs lie pixel by
// pixel. Bytes are what is turned around, after requantization, for there are four times fewer of them: what packing
// leaves of four channels is, lane by lane, four pixels of each, one shuffle of bytes away from pixels of four
// channels.
#pragma once

#include <immintrin.h>

#include "kernels/epilogue_avx512_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_avx512 {
namespace {

using epilogue_avx512::Quad;

// Dword j of each lane of v[i] becomes dword i of the same lane of v[j].
[[gnu::always_inline]] static inline void transpose_in_lanes(Quad& q) {
  const __m512i a = _mm512_unpacklo_epi32(q.v[0], q.v[1]), b = _mm512_unpackhi_epi32(q.v[0], q.v[1]);
  const __m512i c = _mm512_unpacklo_epi32(q.v[2], q.v[3]), d = _mm512_unpackhi_epi32(q.v[2], q.v[3]);
  q.v[0] = _mm512_unpacklo_epi64(a, c);
  q.v[1] = _mm512_unpackhi_epi64(a, c);
  q.v[2] = _mm512_unpacklo_epi64(b, d);
  q.v[3] = _mm512_unpackhi_epi64(b, d);
}

class Output {
 public:
  explicit Output(const SpgemmArgs& args) : args_(args), k_(epilogue_avx512::load_constants(args.epilogue)) {}

  // Pixels [first, first + pixels), at most 16, of a tile of channels; `stride` sums from one channel's to the next's.
  void store(size_t first, size_t pixels, const spgemm_loops::ChannelTile& tile, const int32_t* sums,
             size_t stride) const {
    if (args_.out_float != nullptr) {
      store_floats(first, pixels, tile, sums, stride);
      return;
    }
    Quad bytes;  // v[g]: channels 4 g .. 4 g + 3, a dword a pixel
    const float* scale = args_.epilogue.scale + tile.first;
    unroll<4>([&](auto g) MOBILEKERNELS_INLINE_LAMBDA {
      bytes.v[g] = four_channels(sums + 4 * g * stride, stride, scale + 4 * g);
    });
    transpose_in_lanes(bytes);  // v[k]: 16 channels of pixel 4 i + k in lane i
    const __mmask16 mask = epilogue_avx512::first(tile.channels);
    const size_t offset = first * args_.out_stride + tile.first;
    unroll<4>([&](auto k) MOBILEKERNELS_INLINE_LAMBDA {
      __m512i codes = bytes.v[k];
      if (args_.epilogue.residual != nullptr) codes = add_residual(codes, first + k, pixels, k, tile, mask);
      codes = _mm512_xor_si512(codes, k_.flip);
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        constexpr size_t kPixel = 4 * i + k;
        if (kPixel < pixels) {
          int8_t* to = args_.out + offset + kPixel * args_.out_stride;
          const __m128i pixel = _mm512_extracti32x4_epi32(codes, i);
          if (mask == 0xffff) {  // a plain store where it will do, as in gemm
            _mm_storeu_si128(reinterpret_cast<__m128i*>(to), pixel);
          } else {
            _mm_mask_storeu_epi8(to, mask, pixel);
          }
        }
      });
    });
  }

 private:
  // Requantized codes of 16 pixels: dword p has pixel p's.
  [[gnu::always_inline]] __m512i four_channels(const int32_t* sums, size_t stride, const float* scale) const {
    Quad q;
    unroll<4>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      const __m512i acc = _mm512_load_si512(sums + c * stride);
      const __m512 scales = _mm512_set1_ps(scale[c]);
      const __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), scales);
      q.v[c] = epilogue_avx512::clamp_and_round(f, k_.output);
    });
    const __m512i by_pixel =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm512_shuffle_epi8(epilogue_avx512::pack_bytes(q, k_.output), by_pixel);
  }

  // The sum of the convolution's own codes and the residual's, 16 channels of four pixels, four apart.
  [[gnu::always_inline]] __m512i add_residual(__m512i codes, size_t pixel, size_t pixels, size_t k,
                                              const spgemm_loops::ChannelTile& tile, __mmask16 mask) const {
    const ResidualAdd& add = *args_.epilogue.residual;
    const int8_t* data = add.data + pixel * add.stride + tile.first;
    __m512i other = _mm512_setzero_si512();
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      if (4 * i + k < pixels) {
        other = _mm512_inserti32x4(other, _mm_maskz_loadu_epi8(mask, data + 4 * i * add.stride), i);
      }
    });
    const Quad main = epilogue_avx512::unpack_int8(codes);
    Quad q = epilogue_avx512::unpack_int8(other);
    const __m512i zero_point = _mm512_set1_epi32(args_.epilogue.output.zero_point);
    unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const __m512 a = _mm512_cvtepi32_ps(_mm512_sub_epi32(main.v[i], zero_point));
      const __m512 b = _mm512_cvtepi32_ps(_mm512_sub_epi32(q.v[i], k_.residual_zero_point));
      const __m512 sum = _mm512_add_ps(_mm512_mul_ps(a, k_.main_scale), _mm512_mul_ps(b, k_.residual_scale));
      q.v[i] = epilogue_avx512::clamp_and_round(sum, k_.sum);
    });
    return epilogue_avx512::pack_bytes(q, k_.sum);
  }

  void store_floats(size_t first, size_t pixels, const spgemm_loops::ChannelTile& tile, const int32_t* sums,
                    size_t stride) const {
    const Epilogue& e = args_.epilogue;
    const bool own_scales = e.rows.scale != nullptr;
    __m512 row_scale = _mm512_setzero_ps();
    __m512i zero_point = _mm512_setzero_si512();
    if (own_scales) {
      const __mmask16 real = epilogue_avx512::first(pixels);
      row_scale = _mm512_maskz_loadu_ps(real, e.rows.scale + first);
      zero_point = _mm512_maskz_loadu_epi32(real, e.rows.zero_point + first);
    }
    for (size_t c = 0; c < tile.channels; c += 4) {
      Quad q;
      unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        const size_t channel = tile.first + c + i;
        const __m512i acc = _mm512_load_si512(sums + (c + i) * stride);
        const __m512 scale = _mm512_set1_ps(e.scale[channel]);
        const __m512 f = own_scales ? epilogue_avx512::to_float(acc, row_scale, zero_point, scale,
                                                                _mm512_set1_epi32(e.wsum[channel]),
                                                                _mm512_set1_ps(e.rows.bias[channel]))
                                    : _mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale);
        q.v[i] = _mm512_castps_si512(f);
      });
      transpose_in_lanes(q);
      const size_t left = tile.channels - c;
      const auto mask = static_cast<__mmask8>((1u << (left < 4 ? left : 4)) - 1);
      float* to = args_.out_float + first * args_.out_stride + tile.first + c;
      unroll<4>([&](auto k) MOBILEKERNELS_INLINE_LAMBDA {
        unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
          constexpr size_t kPixel = 4 * i + k;
          if (kPixel < pixels) {
            const __m128 four = _mm512_extractf32x4_ps(_mm512_castsi512_ps(q.v[k]), i);
            _mm_mask_storeu_ps(to + kPixel * args_.out_stride, mask, four);
          }
        });
      });
    }
  }

  const SpgemmArgs& args_;
  epilogue_avx512::Constants k_;
};

}  // namespace
}  // namespace mobilekernels::spgemm_avx512
