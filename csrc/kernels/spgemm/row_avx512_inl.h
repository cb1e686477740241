// One pixel (a linear layer at batch 1): weights go by in the order in which they lie, each with the quad that its
// index names: four blocks of four channels or 16 of one an instruction.
#pragma once

#include <immintrin.h>

#include "kernels/epilogue_avx512_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels::spgemm_avx512 {

// The quads that `n` (1 to 4) numbers name, the rest 0.
[[gnu::always_inline]] static inline __m128i gather_quads(const char* row, const uint16_t* quad, size_t n) {
  const auto at = [&](size_t i) {
    int32_t value = 0;
    if (i < n) __builtin_memcpy(&value, row + size_t{quad[i]} * 4, sizeof(value));
    return value;
  };
  return _mm_setr_epi32(at(0), at(1), at(2), at(3));
}

// Sums of four channels, to be added over the lanes: lane i has block i of four, and its quad four times. A masked
// broadcast from memory is a load and no shuffle.
static inline __m512i dot_blocks_of_4(const char* row, const uint16_t* quad, const int8_t* w, size_t blocks) {
  __m512i acc = _mm512_setzero_si512();
  const auto quad_at = [&](size_t i) MOBILEKERNELS_INLINE_LAMBDA { return _mm_loadu_si32(row + size_t{quad[i]} * 4); };
  for (; blocks >= 4; blocks -= 4, quad += 4, w += 64) {
    __m512i x = _mm512_broadcastd_epi32(quad_at(0));
    unroll<3>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      x = _mm512_mask_broadcastd_epi32(x, static_cast<__mmask16>(0xf0u << (4 * i)), quad_at(i + 1));
    });
    acc = _mm512_dpbusd_epi32(acc, x, _mm512_loadu_si512(w));
  }
  for (; blocks > 0; --blocks, ++quad, w += 16) {
    const __m512i weights = _mm512_zextsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    acc = _mm512_dpbusd_epi32(acc, _mm512_broadcastd_epi32(quad_at(0)), weights);
  }
  return acc;
}

// Sums of one channel, to be added over all dwords.
static inline __m512i dot_blocks_of_1(const char* row, const uint16_t* quad, const int8_t* w, size_t blocks) {
  __m512i acc = _mm512_setzero_si512();
  for (; blocks >= 16; blocks -= 16, quad += 16, w += 64) {
    __m512i x = _mm512_castsi128_si512(gather_quads(row, quad, 4));
    unroll<3>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      x = _mm512_inserti32x4(x, gather_quads(row, quad + 4 * (i + 1), 4), i + 1);
    });
    acc = _mm512_dpbusd_epi32(acc, x, _mm512_loadu_si512(w));
  }
  for (; blocks > 0; quad += 4, w += 16) {
    const size_t now = blocks < 4 ? blocks : 4;
    const auto mask = static_cast<__mmask16>((1u << now) - 1);
    const __m512i x = _mm512_zextsi128_si512(gather_quads(row, quad, now));
    acc = _mm512_dpbusd_epi32(acc, x, _mm512_maskz_loadu_epi32(mask, w));
    blocks -= now;
  }
  return acc;
}

[[gnu::always_inline]] static inline __m128i add_lanes(__m512i v) {
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

static inline void run_row(const SpgemmArgs& args) {
  const epilogue_avx512::Constants k = epilogue_avx512::load_constants(args.epilogue);
  const char* row = static_cast<const char*>(args.panels);
  spgemm_loops::for_tiles(args, [&](const spgemm_loops::ChannelTile& tile) {
    alignas(64) int32_t sums[spgemm_loops::kTileChannels] = {};
    for (size_t c = 0; c < tile.channels; c += args.block_channels) {
      const uint32_t* begin = args.begin + (tile.first + c) / args.block_channels;
      const uint16_t* quad = args.quad + begin[0];
      const int8_t* w = args.w + size_t{begin[0]} * args.block_channels * 4;
      const size_t blocks = begin[1] - begin[0];
      if (args.block_channels == 4) {
        _mm_store_si128(reinterpret_cast<__m128i*>(sums + c), add_lanes(dot_blocks_of_4(row, quad, w, blocks)));
      } else {
        const __m128i four = add_lanes(dot_blocks_of_1(row, quad, w, blocks));
        const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
        sums[c] = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
      }
    }
    const Epilogue& e = args.epilogue;
    const __m512i start = _mm512_sub_epi32(_mm512_loadu_si512(e.bias + tile.first),
                                           _mm512_slli_epi32(_mm512_loadu_si512(e.wsum + tile.first), 7));
    const __m512i acc = _mm512_add_epi32(_mm512_load_si512(sums), start);
    if (args.out_float != nullptr) {
      epilogue_avx512::store16_float(args.out_float + tile.first, tile.channels, acc, e, 0, tile.first);
      return;
    }
    const __mmask16 mask = epilogue_avx512::first(tile.channels);
    const __m512 scale = _mm512_loadu_ps(e.scale + tile.first);
    epilogue_avx512::Quad q;
    if (e.residual != nullptr) {
      const __m128i bytes = _mm_maskz_loadu_epi8(mask, e.residual->data + tile.first);
      q.v[0] = epilogue_avx512::add_residual(acc, scale, _mm512_cvtepi8_epi32(bytes), k);
    } else {
      q.v[0] = epilogue_avx512::requantize(acc, scale, k);
    }
    q.v[1] = q.v[2] = q.v[3] = q.v[0];
    const __m512i packed = epilogue_avx512::pack_bytes(q, e.residual != nullptr ? k.sum : k.output);
    const __m512i codes = _mm512_xor_si512(epilogue_avx512::in_order(packed), k.flip);
    _mm_mask_storeu_epi8(args.out + tile.first, mask, _mm512_castsi512_si128(codes));
  });
}

}  // namespace mobilekernels::spgemm_avx512
