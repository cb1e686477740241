// vpmaddwd on int16: 4 channels x 4 k an instruction, exact. (vpmaddubsw would do twice as many, and saturates on
// full-range data.) Activations are packed as int16; weights are widened as they are loaded.
#include <immintrin.h>

#include "kernels/epilogue_avx2_inl.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx2 {
namespace {

void pack(void* dst, const int8_t* src, size_t n) {
  auto* out = static_cast<int16_t*>(dst);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cvtepi8_epi16(bytes));
  }
  for (; i < n; ++i) out[i] = src[i];
}

void fill(void* dst, int8_t value, size_t n) {
  auto* out = static_cast<int16_t*>(dst);
  for (size_t i = 0; i < n; ++i) out[i] = value;
}

// Eight vectors of 16 channels' half sums: (c0 k01, c0 k23, c1 k01, c1 k23 | c2 .. c3 ..) and so on.
// hadd adds the halves within each 128 bits: c0 c1 c4 c5 | c2 c3 c6 c7.
[[gnu::always_inline]] inline __m256i add_halves(__m256i channels_0_3, __m256i channels_4_7) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(channels_0_3, channels_4_7), _MM_SHUFFLE(3, 1, 2, 0));
}

struct Tile {
  static constexpr int kRows = 2;
  static constexpr int kPanels = 1;
  using Constants = epilogue_avx2::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_avx2::load_constants(epilogue); }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    const Epilogue& e = args.epilogue;
    __m256i acc[Rows][4];
    const char* a[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      a[r] = gemm_loops::row_pointer(args, origin.row + r);
      unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA { acc[r][j] = _mm256_setzero_si256(); });
    });
    const int8_t* w = gemm_loops::panel_pointer(args, origin.channel);
    for (size_t q = 0; q < args.quads; ++q) {
      __m256i row[Rows];
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        int64_t quad;
        __builtin_memcpy(&quad, a[r] + q * kQuad * sizeof(int16_t), sizeof(quad));
        row[r] = _mm256_set1_epi64x(quad);
      });
      unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
        const __m256i weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 16 * j)));
        unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
          acc[r][j] = _mm256_add_epi32(acc[r][j], _mm256_madd_epi16(row[r], weights));
        });
      });
      w += kQuad * kPanelChannels;
    }
    const auto* bias = reinterpret_cast<const __m256i*>(e.bias + origin.channel);
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row + r, 0);
      const __m256i lo = _mm256_add_epi32(add_halves(acc[r][0], acc[r][1]), _mm256_loadu_si256(bias));
      const __m256i hi = _mm256_add_epi32(add_halves(acc[r][2], acc[r][3]), _mm256_loadu_si256(bias + 1));
      if (args.out_float != nullptr) {
        epilogue_avx2::store16_float(args.out_float + d.offset, d.n, lo, hi, e.scale + d.channel);
      } else {
        epilogue_avx2::store16(args.out + d.offset, d.n, d.residual, lo, hi, e.scale + d.channel, constants);
      }
    });
  }
};

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows, Tile::kPanels * kPanelChannels, sizeof(int16_t), false, pack,
                         fill,        gemm_loops::run<Tile>};

}  // namespace avx2
}  // namespace mobilekernels
