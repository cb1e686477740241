// AVX2 with FMA: eight pixels a vector. Three vectors by four channels are twelve sums, which cover the latency of two
// multiply-adds a cycle, and leave four registers for three vectors of pixels and a weight.
#include <immintrin.h>

#include "kernels/spgemm_f32/simd_avx2_inl.h"
#include "kernels/spgemm_f32/spgemm_f32_inl.h"

namespace mobilekernels {
namespace avx2 {
namespace {

struct Simd {
  using Vector = __m256;
  using Four = spgemm_f32_avx2::Four;
  using One = spgemm_f32_avx2::One;
  static constexpr int kVector = 8;
  static constexpr int kMostVectors4 = 3;
  static constexpr int kMostVectors1 = 8;

  [[gnu::always_inline]] static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  [[gnu::always_inline]] static Vector set1(float value) { return _mm256_set1_ps(value); }
  template <int j>
  [[gnu::always_inline]] static Vector weight(const float* w) {
    return _mm256_broadcast_ss(w + j);
  }
  // asm, for gcc would load pixels again for each sum, and loads are what there is least to spare of.
  [[gnu::always_inline]] static Vector fma(Vector sum, Vector x, Vector w) {
    __asm__("vfmadd231ps %1, %2, %0" : "+x"(sum) : "xm"(x), "x"(w));
    return sum;
  }
  [[gnu::always_inline]] static Vector clamp(Vector v, Vector lo, Vector hi) {
    return _mm256_min_ps(hi, _mm256_max_ps(lo, v));  // as in Four
  }
  [[gnu::always_inline]] static void store(float* to, Vector v, size_t n) {
    if (n >= kVector) {
      _mm256_storeu_ps(to, v);
    } else {
      const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
      _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes), v);
    }
  }
};

}  // namespace

extern const SpgemmF32Kernel spgemm_f32;
const SpgemmF32Kernel spgemm_f32 = {Simd::kVector, spgemm_f32_loops::most_pixels<Simd>, spgemm_f32_avx2::transpose,
                                    spgemm_f32_loops::run<Simd>, spgemm_f32_loops::run_row<Simd>};

}  // namespace avx2
}  // namespace mobilekernels
