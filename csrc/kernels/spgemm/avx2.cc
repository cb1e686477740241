// Exact products as in kernels/gemm/avx2.cc: magnitudes of weights by activations that have the weights' signs, put on
// by an exclusive or, so that
//   sum |w| * (q ^ sign(w)) = sum w * q - sum over w < 0 of |w|
// where the last sum is one number a channel. Here a weight quad is broadcast and eight pixels go by: vpxor,
// vpmaddubsw, vpmaddwd and vpaddd for 32 products, one of each port of a core that has four. Magnitudes and signs of 16
// channels' blocks are written to scratch memory once for all panels.
//
// Blocks of four channels take two vectors of pixels at a time, each of which serves four channels; a panel of 16
// pixels is then a cache line a quad. Blocks of one channel read the pixels from memory for each product, which the
// load ports have room for; their panels are as wide as the first-level cache allows, for a block's own cost is shared
// by more.
#include <immintrin.h>

#include "kernels/gemm/store_avx2_inl.h"
#include "kernels/spgemm/row_avx2_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/spgemm/transpose_avx2_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx2 {
namespace {

using spgemm_loops::ChannelTile;
using spgemm_loops::kTileChannels;
using spgemm_loops::Panel;

constexpr size_t kVector = 8;  // pixels
constexpr size_t kBlockChannels = 4;

size_t most_pixels(size_t quads, size_t block_channels) {
  if (block_channels == kBlockChannels) return 2 * kVector;
  constexpr size_t kFirstLevelBytes = 32 * 1024;
  const size_t fit = kFirstLevelBytes / (quads * kQuad * kVector);
  return kVector * (fit < 4 ? 4 : fit > 8 ? 8 : fit);
}

// A weight quad. sign: -1 or 0 in each byte.
struct SignedMagnitude {
  int32_t magnitude, sign;
};

// Splits `n` weight quads. What a pixel of zeros gives is added up lane by lane: quad i goes to lane i % 4. May write
// three quads more.
__m128i split_quads(const int8_t* w, size_t n, SignedMagnitude* split) {
  const __m128i ones = _mm_set1_epi16(1), zero = _mm_setzero_si128();
  __m128i zeros_give = zero;
  for (; n > 0; w += 16, split += 4) {
    const size_t now = n < 4 ? n : 4;
    const __m128i weights = epilogue_avx2::load_bytes(w, now * kQuad);
    const __m128i magnitude = _mm_abs_epi8(weights), sign = _mm_cmpgt_epi8(zero, weights);
    zeros_give = _mm_add_epi32(zeros_give, _mm_madd_epi16(_mm_maddubs_epi16(magnitude, sign), ones));
    auto* to = reinterpret_cast<__m128i*>(split);
    _mm_storeu_si128(to, _mm_unpacklo_epi32(magnitude, sign));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi32(magnitude, sign));
    n -= now;
  }
  return zeros_give;
}

// The blocks of 16 channels, with what their sums start at.
struct Tile {
  const SignedMagnitude* split;
  alignas(16) int32_t start[kTileChannels];
};

void split_tile(const SpgemmArgs& args, const ChannelTile& channels, SignedMagnitude* split, Tile* tile) {
  tile->split = split;
  const int32_t* bias = args.epilogue.bias + channels.first;
  for (size_t c = 0; c < channels.channels; c += args.block_channels) {
    const size_t row_group = (channels.first + c) / args.block_channels;
    const size_t begin = args.begin[row_group];
    const size_t n = (args.begin[row_group + 1] - begin) * args.block_channels;
    const __m128i zeros_give = split_quads(args.w + begin * args.block_channels * kQuad, n, split);
    split += n;
    if (args.block_channels == kBlockChannels) {
      const __m128i biases = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bias + c));
      _mm_store_si128(reinterpret_cast<__m128i*>(tile->start + c), _mm_sub_epi32(biases, zeros_give));
    } else {
      tile->start[c] = bias[c] - spgemm_avx2::sum_lanes(zeros_give);
    }
  }
}

// The sums of one row group by a panel of `Vectors` vectors, into rows of `Vectors` vectors.
template <int Channels, int Vectors>
[[gnu::always_inline]] inline void add_blocks(const char* panel, const uint16_t* quad, size_t blocks,
                                              const SignedMagnitude* w, const int32_t* start, int32_t* sums) {
  __m256i acc[Channels][Vectors];
  unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { acc[c][v] = _mm256_set1_epi32(start[c]); });
  });
  const __m256i ones = _mm256_set1_epi16(1);
  for (const uint16_t* const end = quad + blocks; quad != end; ++quad, w += Channels) {
    const auto* pixels = reinterpret_cast<const __m256i*>(panel) + size_t{*quad} * Vectors;
    __m256i x[Vectors];
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { x[v] = _mm256_loadu_si256(pixels + v); });
    unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
      const __m256i magnitude = _mm256_set1_epi32(w[c].magnitude), sign = _mm256_set1_epi32(w[c].sign);
      unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
        const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_xor_si256(x[v], sign));
        acc[c][v] = _mm256_add_epi32(acc[c][v], _mm256_madd_epi16(pairs, ones));
      });
    });
  }
  auto* to = reinterpret_cast<__m256i*>(sums);
  unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { _mm256_store_si256(to + c * Vectors + v, acc[c][v]); });
  });
}

// All row groups of a tile by one panel.
template <int Channels, int Vectors>
[[gnu::noinline]] void add_tile(const SpgemmArgs& args, const Panel& panel, const ChannelTile& channels,
                                const Tile& tile, int32_t* sums) {
  const SignedMagnitude* w = tile.split;
  for (size_t c = 0; c < channels.channels; c += Channels) {
    const uint32_t* begin = args.begin + (channels.first + c) / Channels;
    const size_t blocks = begin[1] - begin[0];
    add_blocks<Channels, Vectors>(panel.data, args.quad + begin[0], blocks, w, tile.start + c,
                                  sums + c * Vectors * kVector);
    w += blocks * Channels;
  }
}

template <int Channels, int Vectors>
void add_tile_of(size_t vectors, const SpgemmArgs& args, const Panel& panel, const ChannelTile& channels,
                 const Tile& tile, int32_t* sums) {
  if (vectors == Vectors) {
    add_tile<Channels, Vectors>(args, panel, channels, tile, sums);
  } else if constexpr (Vectors > 1) {
    add_tile_of<Channels, Vectors - 1>(vectors, args, panel, channels, tile, sums);
  }
}

void run(const SpgemmArgs& args) {
  const spgemm_avx2::Output output(args);
  auto* split = static_cast<SignedMagnitude*>(args.scratch);
  // Behind all that split_quads() may write, and what it writes too much is written before the sums are.
  auto* sums = reinterpret_cast<int32_t*>(split + kTileChannels * args.quads);
  spgemm_loops::for_tiles(args, [&](const ChannelTile& channels) {
    Tile tile;
    split_tile(args, channels, split, &tile);
    spgemm_loops::for_panels(args, kVector, [&](const Panel& panel) {
      const size_t vectors = panel.stride / kVector;
      if (args.block_channels == kBlockChannels) {
        add_tile_of<kBlockChannels, 2>(vectors, args, panel, channels, tile, sums);
      } else {
        add_tile_of<1, 8>(vectors, args, panel, channels, tile, sums);
      }
      for (size_t p = 0; p < panel.pixels; p += kVector) {
        const size_t left = panel.pixels - p;
        spgemm_avx2::store_pixels<kVector>(output, panel.first + p, left < kVector ? left : kVector, channels, sums + p,
                                           panel.stride);
      }
    });
  });
}

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {kVector, /*u8=*/false, most_pixels, spgemm_avx2::pack, run, spgemm_avx2::run_row};

}  // namespace avx2
}  // namespace mobilekernels
