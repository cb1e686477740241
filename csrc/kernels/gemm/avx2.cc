// vpmaddubsw, unsigned by signed bytes: 32 products an instruction, added in pairs to int16, where full-range data
// would saturate. Magnitudes of weights times activations that have the weights' signs do not: weights are in [-127,
// 127], so two products are at most 2 * 127 * 128 = 32512. The sign is put on by an exclusive or, which runs on more
// ports than vpsignb does: q ^ -1 = -q - 1, so that
//   sum |w| * (q ^ sign(w)) = sum w * q - sum over w < 0 of |w|
// and the last sum is one number a channel, what q = 0 gives. Magnitudes and signs of a panel are written to scratch
// memory once for all rows. For 32 products that is vpxor, vpmaddubsw, vpmaddwd (by ones) and vpaddd; int16 data takes
// twice vpmaddwd and vpaddd, twice the broadcasts and rows of twice the bytes.
#include <immintrin.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/gemv_avx2_inl.h"
#include "kernels/gemm/store_avx2_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx2 {
namespace {

// Eight channels' quads.
struct SignedMagnitude {
  __m256i magnitude, sign;  // sign: -1 or 0
};
constexpr int kHalves = 2;  // of a panel

[[gnu::always_inline]] inline __m256i dot_quads(__m256i acc, const SignedMagnitude& w, __m256i signed_row,
                                                __m256i ones) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(w.magnitude, signed_row), ones));
}

struct Constants {
  epilogue_avx2::Constants epilogue;
  __m256i start[kHalves];  // of a panel's sums
};

// Magnitudes and signs of a panel; its sums start at its bias less what a row of zeros gives.
void split_panel(const int8_t* panel, size_t quads, const int32_t* bias, SignedMagnitude* split, Constants& constants) {
  const auto* w = reinterpret_cast<const __m256i*>(panel);
  const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
  __m256i zeros_give[kHalves] = {zero, zero};
  for (; quads > 0; --quads, w += kHalves, split += kHalves) {
    unroll<kHalves>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      const __m256i weights = _mm256_loadu_si256(w + i);
      const SignedMagnitude part = {_mm256_abs_epi8(weights), _mm256_cmpgt_epi8(zero, weights)};
      zeros_give[i] = dot_quads(zeros_give[i], part, part.sign, ones);
      _mm256_store_si256(&split[i].magnitude, part.magnitude);
      _mm256_store_si256(&split[i].sign, part.sign);
    });
  }
  unroll<kHalves>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
    const __m256i biases = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias) + i);
    constants.start[i] = _mm256_sub_epi32(biases, zeros_give[i]);
  });
}

// Zen 4 takes four vector instructions a cycle, loads among them: 10 cycles for the 256 products of four rows' quads,
// of which 8 are the bound of computing alone. A fifth row gains nothing measurable, and images seldom cut into fives.
struct Tile {
  static constexpr int kRows = 4;
  static constexpr int kPanels = 1;
  using Constants = avx2::Constants;

  // gcc loads signs once for all rows, and spills; asm does as written.
  [[gnu::always_inline]] static void dot_row(__m256i (&acc)[kHalves], const char* a, const SignedMagnitude* w,
                                             const __m256i (&magnitude)[kHalves], __m256i ones) {
    using Quad [[gnu::may_alias]] = int32_t;
    __m256i row, other;
    __asm__(
        "vpbroadcastd %4, %2\n\tvpxor %5, %2, %3\n\tvpxor %6, %2, %2\n\t"
        "vpmaddubsw %3, %7, %3\n\tvpmaddubsw %2, %8, %2\n\t"
        "vpmaddwd %9, %3, %3\n\tvpmaddwd %9, %2, %2\n\t"
        "vpaddd %3, %0, %0\n\tvpaddd %2, %1, %1"
        : "+x"(acc[0]), "+x"(acc[1]), "=&x"(row), "=&x"(other)
        : "m"(*reinterpret_cast<const Quad*>(a)), "m"(w[0].sign), "m"(w[1].sign), "x"(magnitude[0]), "x"(magnitude[1]),
          "x"(ones));
  }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    __m256i acc[Rows][kHalves];
    const char* a[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      a[r] = gemm_loops::row_pointer(args, origin.row + r);
      unroll<kHalves>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[r][i] = constants.start[i]; });
    });
    const auto* w = static_cast<const SignedMagnitude*>(args.scratch);
    const __m256i ones = _mm256_set1_epi16(1);
    const auto add_quad = [&](size_t q) MOBILEKERNELS_INLINE_LAMBDA {
      const __m256i magnitude[kHalves] = {w[0].magnitude, w[1].magnitude};
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA { dot_row(acc[r], a[r] + q * kQuad, w, magnitude, ones); });
      w += kHalves;
    };
    size_t q = 0;
    for (; q + 2 <= args.quads; q += 2) {
      add_quad(q);
      add_quad(q + 1);
    }
    if (q < args.quads) add_quad(q);
    gemm_loops::store_rows(args, origin, acc, constants.epilogue);
  }
};

void run(const GemmArgs& args) {
  // To split a panel takes about as long as what so many rows save by it.
  constexpr size_t kManyRows = 3 * Tile::kRows;
  if (args.scratch == nullptr || args.rows < kManyRows) {
    gemm_loops::run<FewRowsTile>(args);
    return;
  }
  auto* split = static_cast<SignedMagnitude*>(args.scratch);
  Constants constants{epilogue_avx2::load_constants(args.epilogue), {}};
  for (size_t c = 0; c < args.channels; c += kPanelChannels) {
    split_panel(gemm_loops::panel_pointer(args, c), args.quads, args.epilogue.bias + c, split, constants);
    const size_t left = args.channels - c;
    gemm_loops::run_panels<Tile, Tile::kPanels>(args, {0, c, left < kPanelChannels ? left : kPanelChannels}, constants);
  }
}

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {Tile::kRows,           Tile::kPanels * kPanelChannels, 1,  true,
                         gemm_loops::pack_int8, gemm_loops::fill_int8,          run};

}  // namespace avx2
}  // namespace mobilekernels
