// One pixel (a linear layer at batch 1): weights go by in the order in which they lie, each with the quad that its
// index names. As in gemm/gemv_avx2_inl.h activations give their signs to weights: |q| <= 128 is unsigned.
#pragma once

#include <immintrin.h>

#include "kernels/spgemm/transpose_avx2_inl.h"

namespace mobilekernels::spgemm_avx2 {

[[gnu::always_inline]] static inline int32_t sum_lanes(__m128i v) {
  v = _mm_add_epi32(v, _mm_unpackhi_epi64(v, v));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 1)));
}

[[gnu::always_inline]] static inline __m128i add_halves(__m256i v) {
  return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

[[gnu::always_inline]] static inline __m256i dot_quads(__m256i x, __m256i w) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

struct PlainRow {
  const int8_t* data;
  [[gnu::always_inline]] int32_t quad(uint16_t q) const {
    int32_t value;
    __builtin_memcpy(&value, data + size_t{q} * 4, sizeof(value));
    return value;
  }
};

// The sums of four channels: two blocks at a time, one in each half.
static inline __m128i dot_blocks_of_4(const PlainRow& row, const uint16_t* quad, const int8_t* w, size_t blocks) {
  __m256i acc = _mm256_setzero_si256();
  for (; blocks >= 2; blocks -= 2, quad += 2, w += 32) {
    const __m256i x = _mm256_setr_m128i(_mm_set1_epi32(row.quad(quad[0])), _mm_set1_epi32(row.quad(quad[1])));
    acc = _mm256_add_epi32(acc, dot_quads(x, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w))));
  }
  if (blocks > 0) {
    const __m256i x = _mm256_castsi128_si256(_mm_set1_epi32(row.quad(quad[0])));
    const __m256i weights = _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    acc = _mm256_add_epi32(acc, dot_quads(x, weights));
  }
  return add_halves(acc);
}

// The sum of one channel: eight blocks at a time, one in each dword.
static inline int32_t dot_blocks_of_1(const PlainRow& row, const uint16_t* quad, const int8_t* w, size_t blocks) {
  __m256i acc = _mm256_setzero_si256();
  for (; blocks >= 8; blocks -= 8, quad += 8, w += 32) {
    const __m256i x = _mm256_setr_epi32(row.quad(quad[0]), row.quad(quad[1]), row.quad(quad[2]), row.quad(quad[3]),
                                        row.quad(quad[4]), row.quad(quad[5]), row.quad(quad[6]), row.quad(quad[7]));
    acc = _mm256_add_epi32(acc, dot_quads(x, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w))));
  }
  for (; blocks > 0; --blocks, ++quad, w += 4) {
    const __m256i x = _mm256_castsi128_si256(_mm_cvtsi32_si128(row.quad(*quad)));
    const PlainRow weights{w};
    acc = _mm256_add_epi32(acc, dot_quads(x, _mm256_zextsi128_si256(_mm_cvtsi32_si128(weights.quad(0)))));
  }
  return sum_lanes(add_halves(acc));
}

static inline void run_row(const SpgemmArgs& args) {
  const Output output(args);
  const PlainRow row{static_cast<const int8_t*>(args.panels)};
  spgemm_loops::for_tiles(args, [&](const spgemm_loops::ChannelTile& tile) {
    alignas(32) int32_t sums[spgemm_loops::kTileChannels] = {};
    for (size_t c = 0; c < tile.channels; c += args.block_channels) {
      const uint32_t* begin = args.begin + (tile.first + c) / args.block_channels;
      const uint16_t* quad = args.quad + begin[0];
      const int8_t* w = args.w + size_t{begin[0]} * args.block_channels * 4;
      const size_t blocks = begin[1] - begin[0];
      if (args.block_channels == 4) {
        _mm_store_si128(reinterpret_cast<__m128i*>(sums + c), dot_blocks_of_4(row, quad, w, blocks));
      } else {
        sums[c] = dot_blocks_of_1(row, quad, w, blocks);
      }
    }
    __m256i acc[1][2];
    const auto* bias = reinterpret_cast<const __m256i*>(args.epilogue.bias + tile.first);
    unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const __m256i sum = _mm256_load_si256(reinterpret_cast<const __m256i*>(sums) + i);
      acc[0][i] = _mm256_add_epi32(sum, _mm256_loadu_si256(bias + i));
    });
    gemm_loops::store_rows(output.gemm, {0, tile.first, tile.channels}, acc, output.constants);
  });
}

}  // namespace mobilekernels::spgemm_avx2
