// Maxima of up to 64 channels, the loops of pool_inl.h, and sums of 64 channels that stay in registers.
#include <immintrin.h>

#include "kernels/pool/max_vectors_x86_inl.h"
#include "kernels/pool/pool_inl.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

using namespace max_lines;

struct Lanes64 {
  static constexpr size_t kLanes = 64;
  using Register = __m512i;
  [[gnu::always_inline]] static Register load(const int8_t* p) { return _mm512_loadu_si512(p); }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return _mm512_max_epi8(a, b); }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) { _mm512_storeu_si512(p, x); }
};

constexpr size_t kInt16Inputs = 255;  // so many int8 add up to an int16

// sums[0 .. 16) += the words of a half, of n channels.
void add_16(__m256i words, size_t n, int32_t* sums) {
  const auto mask = static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xffff);
  const __m512i sum = _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, sums), _mm512_cvtepi16_epi32(words));
  _mm512_mask_storeu_epi32(sums, mask, sum);
}

void add_32(__m512i words, size_t n, int32_t* sums) {
  add_16(_mm512_castsi512_si256(words), n, sums);
  if (n > 16) add_16(_mm512_extracti64x4_epi64(words, 1), n - 16, sums + 16);
}

[[gnu::always_inline]] inline __m512i load_words(const int8_t* p, __mmask32 mask) {
  return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, p));
}

// Channels first .. first + n - 1, n <= 64 if Both halves of a vector are in use, else n <= 32.
template <bool Both>
void accumulate_channels(size_t first, size_t n, const int8_t* const* inputs, size_t count, int32_t* sums) {
  const uint64_t channels = ~uint64_t{0} >> (64 - n);
  const auto low = static_cast<__mmask32>(channels), high = static_cast<__mmask32>(channels >> 32);
  for (size_t i = 0; i < count;) {
    const size_t end = count - i < kInt16Inputs ? count : i + kInt16Inputs;
    __m512i a = _mm512_setzero_si512(), b = a;
    for (; i < end; ++i) {
      a = _mm512_add_epi16(a, load_words(inputs[i] + first, low));
      if (Both) b = _mm512_add_epi16(b, load_words(inputs[i] + first + 32, high));
    }
    add_32(a, n, sums + first);
    if (Both) add_32(b, n - 32, sums + first + 32);
  }
}

void accumulate(size_t channels, const int8_t* const* inputs, size_t count, int32_t* sums) {
  for (size_t first = 0; first < channels; first += 64) {
    const size_t n = channels - first < 64 ? channels - first : 64;
    n > 32 ? accumulate_channels<true>(first, n, inputs, count, sums)
           : accumulate_channels<false>(first, n, inputs, count, sums);
  }
}

}  // namespace

extern const PoolKernels pool;
const PoolKernels pool = {run<Lanes64, Lanes32, Lanes16, Lanes8, One>, accumulate, pool_loops::finish};

}  // namespace avx512vnni
}  // namespace mobilekernels
