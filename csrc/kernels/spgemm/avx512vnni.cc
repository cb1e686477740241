// vpdpbusd: 16 pixels x 4 k an instruction, unsigned activations by signed weights. Panels hold q + 128, and sum(w) *
// 128 is taken off where sums start. A weight quad is broadcast, and pixels go by.
//
// Blocks of four channels: each loaded vector of pixels serves four dot products. Blocks of one channel need a load for
// each, so that loads bound them on a core that loads 64 bytes a cycle: four blocks at a time, whose weights are one
// load and four shuffles, leave the loads to the pixels. A panel should stay in the first-level cache while all row
// groups go by: it has as few vectors as cover the latency of vpdpbusd where k is long. With blocks of one channel and
// fewer than four vectors, every second or fourth block has sums of its own.
#include <immintrin.h>

#include "kernels/spgemm/row_avx512_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"
#include "kernels/spgemm/store_avx512_inl.h"
#include "kernels/spgemm/transpose_avx2_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

using spgemm_loops::ChannelTile;
using spgemm_loops::kQuad;
using spgemm_loops::kTileChannels;
using spgemm_loops::Panel;

constexpr size_t kVector = 16;  // pixels
constexpr size_t kBlockChannels = 4;
constexpr int kMostVectors4 = 6;  // 24 sums, six vectors of pixels and one of weights are 31 of the 32 registers
constexpr int kMostVectors1 = 8;
constexpr int kFewVectors = 2;
constexpr int kLatency = 4;  // of vpdpbusd, in cycles and so in sums

size_t most_pixels(size_t quads, size_t block_channels) {
  constexpr size_t kFirstLevelBytes = 32 * 1024;
  const size_t most = block_channels == kBlockChannels ? kMostVectors4 : kMostVectors1;
  const size_t fit = kFirstLevelBytes / (quads * kQuad * kVector);
  return kVector * (fit < kFewVectors ? kFewVectors : fit > most ? most : fit);
}

// gcc spills an array of this many accumulators when it may move the instruction; asm keeps them in registers.
[[gnu::always_inline]] inline void dot(__m512i& acc, __m512i x, __m512i w) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
}

[[gnu::always_inline]] inline __m512i broadcast_quad(const int8_t* w) {
  int32_t quad;
  __builtin_memcpy(&quad, w, sizeof(quad));
  return _mm512_set1_epi32(quad);
}

// One block into sums[channel][vector].
template <int Channels, int Vectors>
[[gnu::always_inline]] inline void add_block(__m512i (&sums)[Channels][Vectors], const char* pixels, const int8_t* w) {
  __m512i x[Vectors];
  unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { x[v] = _mm512_loadu_si512(pixels + v * 64); });
  unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
    const __m512i weights = broadcast_quad(w + c * kQuad);
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA { dot(sums[c][v], x[v], weights); });
  });
}

// Four blocks of one channel, shared out among the sets of sums.
template <int Sets, int Vectors>
[[gnu::always_inline]] inline void add_four_blocks(__m512i (&sums)[Sets][1][Vectors], const char* panel,
                                                   const uint16_t* quad, const int8_t* w) {
  const __m512i four = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  unroll<4>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
    constexpr int kQuadI = i * 0x55;  // of each lane, to all four
    const __m512i weights = _mm512_shuffle_epi32(four, static_cast<_MM_PERM_ENUM>(kQuadI));
    const char* pixels = panel + size_t{quad[i]} * (Vectors * 64);
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      dot(sums[i % Sets][0][v], _mm512_loadu_si512(pixels + v * 64), weights);
    });
  });
}

// The sums of one row group by a panel of `Vectors` vectors, into rows of `Vectors` vectors.
template <int Channels, int Vectors>
[[gnu::always_inline]] inline void add_blocks(const char* panel, const uint16_t* quad, size_t blocks, const int8_t* w,
                                              const Epilogue& epilogue, size_t channel, int32_t* out) {
  constexpr size_t kQuadBytes = Vectors * 64;
  constexpr int kSums = Channels * Vectors;
  constexpr int kSets = kSums >= kLatency ? 1 : kSums > 1 ? 2 : 4;
  __m512i sums[kSets][Channels][Vectors];
  unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
    // 128 * wsum fits: packing bounds 128 * sum(|w|) by int32.
    const __m512i start = _mm512_set1_epi32(epilogue.bias[channel + c] - 128 * epilogue.wsum[channel + c]);
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      sums[0][c][v] = start;
      unroll<kSets - 1>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { sums[i + 1][c][v] = _mm512_setzero_si512(); });
    });
  });
  const uint16_t* const end = quad + blocks;
  if constexpr (Channels == 1) {
    for (; end - quad >= 4; quad += 4, w += 4 * kQuad) add_four_blocks<kSets, Vectors>(sums, panel, quad, w);
  }
  for (; quad != end; ++quad, w += Channels * kQuad) {
    add_block<Channels, Vectors>(sums[0], panel + size_t{*quad} * kQuadBytes, w);
  }
  unroll<Channels>([&](auto c) MOBILEKERNELS_INLINE_LAMBDA {
    unroll<Vectors>([&](auto v) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<kSets - 1>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
        sums[0][c][v] = _mm512_add_epi32(sums[0][c][v], sums[i + 1][c][v]);
      });
      _mm512_store_si512(out + (c * Vectors + v) * kVector, sums[0][c][v]);
    });
  });
}

// All row groups of a tile by one panel.
template <int Channels, int Vectors>
[[gnu::noinline]] void add_tile(const SpgemmArgs& args, const Panel& panel, const ChannelTile& tile, int32_t* sums) {
  for (size_t c = 0; c < tile.channels; c += Channels) {
    const size_t channel = tile.first + c;
    const uint32_t* begin = args.begin + channel / Channels;
    const int8_t* w = args.w + size_t{begin[0]} * Channels * kQuad;
    add_blocks<Channels, Vectors>(panel.data, args.quad + begin[0], begin[1] - begin[0], w, args.epilogue, channel,
                                  sums + c * Vectors * kVector);
  }
}

template <int Channels, int Vectors>
void add_tile_of(size_t vectors, const SpgemmArgs& args, const Panel& panel, const ChannelTile& tile, int32_t* sums) {
  if (vectors == Vectors) {
    add_tile<Channels, Vectors>(args, panel, tile, sums);
  } else if constexpr (Vectors > 1) {
    add_tile_of<Channels, Vectors - 1>(vectors, args, panel, tile, sums);
  }
}

void run(const SpgemmArgs& args) {
  const spgemm_avx512::Output output(args);
  auto* sums = static_cast<int32_t*>(args.scratch);
  spgemm_loops::for_panels(args, kVector, [&](const Panel& panel) {
    const size_t vectors = panel.stride / kVector;
    spgemm_loops::for_tiles(args, [&](const ChannelTile& tile) {
      if (args.block_channels == kBlockChannels) {
        add_tile_of<kBlockChannels, kMostVectors4>(vectors, args, panel, tile, sums);
      } else {
        add_tile_of<1, kMostVectors1>(vectors, args, panel, tile, sums);
      }
      for (size_t p = 0; p < panel.pixels; p += kVector) {
        const size_t left = panel.pixels - p;
        output.store(panel.first + p, left < kVector ? left : kVector, tile, sums + p, panel.stride);
      }
    });
  });
}

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {kVector, /*u8=*/true, most_pixels, spgemm_avx2::pack, run, spgemm_avx512::run_row};

}  // namespace avx512vnni
}  // namespace mobilekernels
