// AVX-512: sixteen pixels a vector. Six vectors by four channels are 24 sums; six vectors of pixels and a weight make
// 31 of the 32 registers. (Of VNNI nothing is used: dispatch has one name for the cores that have it all.)
#include <immintrin.h>

#include "kernels/spgemm_f32/simd_avx2_inl.h"
#include "kernels/spgemm_f32/spgemm_f32_inl.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

struct Simd {
  using Vector = __m512;
  using Four = spgemm_f32_avx2::Four;
  using One = spgemm_f32_avx2::One;
  static constexpr int kVector = 16;
  static constexpr int kMostVectors4 = 6;
  static constexpr int kMostVectors1 = 8;

  [[gnu::always_inline]] static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  [[gnu::always_inline]] static Vector set1(float value) { return _mm512_set1_ps(value); }
  template <int j>
  [[gnu::always_inline]] static Vector weight(const float* w) {
    return _mm512_set1_ps(w[j]);
  }
  // gcc spills an array of this many accumulators when it may move the instruction; asm keeps them in registers.
  [[gnu::always_inline]] static Vector fma(Vector sum, Vector x, Vector w) {
    __asm__("vfmadd231ps %1, %2, %0" : "+v"(sum) : "vm"(x), "v"(w));
    return sum;
  }
  [[gnu::always_inline]] static Vector clamp(Vector v, Vector lo, Vector hi) {
    return _mm512_min_ps(hi, _mm512_max_ps(lo, v));  // as in Four
  }
  [[gnu::always_inline]] static void store(float* to, Vector v, size_t n) {
    if (n >= kVector) {
      _mm512_storeu_ps(to, v);
    } else {
      _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), v);
    }
  }
};

}  // namespace

extern const SpgemmF32Kernel spgemm_f32;
const SpgemmF32Kernel spgemm_f32 = {Simd::kVector, spgemm_f32_loops::most_pixels<Simd>, spgemm_f32_avx2::transpose,
                                    spgemm_f32_loops::run<Simd>, spgemm_f32_loops::run_row<Simd>};

}  // namespace avx512vnni
}  // namespace mobilekernels
