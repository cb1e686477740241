// A few rows, one above all (a linear layer at batch 1): weights go by in the order in which they lie, once for all
// rows of a tile. vpmaddubsw is exact where activations give their signs to weights: |q| <= 128 is unsigned, and since
// weights are in [-127, 127] two products are at most 2 * 128 * 127 = 32512, which int16 holds.
#pragma once

#include <immintrin.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/gemm/store_avx2_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace {

struct FewRowsTile {
  static constexpr int kRows = 4;
  static constexpr int kPanels = 1;
  using Constants = epilogue_avx2::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_avx2::load_constants(epilogue); }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    const auto* bias = reinterpret_cast<const __m256i*>(args.epilogue.bias + origin.channel);
    __m256i acc[Rows][2];
    const char* a[Rows];
    unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
      a[r] = gemm_loops::row_pointer(args, origin.row + r);
      unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { acc[r][i] = _mm256_loadu_si256(bias + i); });
    });
    const auto* w = reinterpret_cast<const __m256i*>(gemm_loops::panel_pointer(args, origin.channel));
    const __m256i ones = _mm256_set1_epi16(1);
    for (size_t q = 0; q < args.quads; ++q, w += 2) {
      const __m256i weights[2] = {_mm256_loadu_si256(w), _mm256_loadu_si256(w + 1)};
      unroll<Rows>([&](auto r) MOBILEKERNELS_INLINE_LAMBDA {
        int32_t quad;
        __builtin_memcpy(&quad, a[r] + q * kQuad, sizeof(quad));
        const __m256i row = _mm256_set1_epi32(quad);
        const __m256i magnitude = _mm256_abs_epi8(row);
        unroll<2>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
          const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(weights[i], row));
          acc[r][i] = _mm256_add_epi32(acc[r][i], _mm256_madd_epi16(pairs, ones));
        });
      });
    }
    gemm_loops::store_rows(args, origin, acc, constants);
  }
};

}  // namespace
}  // namespace mobilekernels
