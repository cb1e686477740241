// Sums, products and quantization of 64 values at a time, and a table look-up by vpermi2w.
#include <immintrin.h>

#include "kernels/elementwise/elementwise_inl.h"
#include "kernels/elementwise/interleave2_x86_inl.h"
#include "kernels/elementwise/interleave3_x86_inl.h"
#include "kernels/epilogue_avx512_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

using namespace epilogue_avx512;

[[gnu::always_inline]] inline __m512 to_float(__m128i codes, __m512 zero_point) {
  return _mm512_sub_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), zero_point);  // exact
}

// 16 values less their zero point, from an operand's i-th on.
template <bool Repeated>
struct Values {
  const int8_t* data;
  __m512 zero_point, repeated;

  explicit Values(const ElementwiseOperand& x)
      : data(x.data),
        zero_point(_mm512_set1_ps(static_cast<float>(x.zero_point))),
        repeated(_mm512_set1_ps(static_cast<float>(x.data[0] - x.zero_point))) {}

  [[gnu::always_inline]] __m512 whole(size_t i) const {
    return Repeated ? repeated : to_float(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i)), zero_point);
  }
  [[gnu::always_inline]] __m512 part(size_t i, __mmask16 mask) const {
    return Repeated ? repeated : to_float(_mm_maskz_loadu_epi8(mask, data + i), zero_point);
  }
};

// A NaN stays one, and becomes the lower bound.
[[gnu::always_inline]] inline __m512i round_bounded(__m512 f, const Bounds& b) {
  return _mm512_cvtps_epi32(_mm512_min_ps(b.hi, f));
}

// out[i] = q of f, of whole(i) for 16 values, of part(i, mask) for fewer.
template <typename Whole, typename Part>
[[gnu::always_inline]] inline void for_each_16(size_t n, const OutputRange& output, int8_t* out, const Whole& whole,
                                               const Part& part) {
  const Bounds b = bounds(output);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    Quad q;
    unroll<4>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA { q.v[j] = round_bounded(whole(i + 16 * j), b); });
    _mm512_storeu_si512(out + i, in_order(pack_bytes(q, b)));
  }
  for (; i < n; i += 16) {
    const __mmask16 mask = first(n - i < 16 ? n - i : 16);
    const Quad q = {{round_bounded(part(i, mask), b)}};
    _mm_mask_storeu_epi8(out + i, mask, _mm512_castsi512_si128(in_order(pack_bytes(q, b))));
  }
}

template <bool Repeated>
void add_values(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, const OutputRange& output,
                int8_t* out) {
  const Values<false> x(a);
  const Values<Repeated> y(b);
  const __m512 x_scale = _mm512_set1_ps(a.scale), y_scale = _mm512_set1_ps(b.scale);
  const auto sum = [&](__m512 f, __m512 g) MOBILEKERNELS_INLINE_LAMBDA {
    return _mm512_add_ps(_mm512_mul_ps(f, x_scale), _mm512_mul_ps(g, y_scale));
  };
  for_each_16(
      n, output, out, [&](size_t i) MOBILEKERNELS_INLINE_LAMBDA { return sum(x.whole(i), y.whole(i)); },
      [&](size_t i, __mmask16 mask) MOBILEKERNELS_INLINE_LAMBDA { return sum(x.part(i, mask), y.part(i, mask)); });
}

// 64 values less their zero point as int16, from an operand's i-th on.
template <bool Repeated>
struct Words {
  const int8_t* data;
  __m512i zero_point, repeated;

  explicit Words(const ElementwiseOperand& x)
      : data(x.data),
        zero_point(_mm512_set1_epi16(static_cast<int16_t>(x.zero_point))),
        repeated(_mm512_set1_epi16(static_cast<int16_t>(x.data[0] - x.zero_point))) {}

  [[gnu::always_inline]] __m512i load(size_t i) const {
    if (Repeated) return repeated;
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i));
    return _mm512_sub_epi16(_mm512_cvtepi8_epi16(codes), zero_point);
  }
  [[gnu::always_inline]] __m512i load(size_t i, __mmask32 mask) const {
    if (Repeated) return repeated;
    return _mm512_sub_epi16(_mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, data + i)), zero_point);
  }
};

// Products of 17 bits, a half from vpmullw and a half from vpmulhw. What unpacking does to their order, packing undoes
// but for its last step.
[[gnu::always_inline]] inline __m512i multiply(const __m512i (&x)[2], const __m512i (&y)[2], __m512 scale,
                                               const Bounds& b) {
  Quad q;
  unroll<2>([&](auto j) MOBILEKERNELS_INLINE_LAMBDA {
    const __m512i low = _mm512_mullo_epi16(x[j], y[j]), high = _mm512_mulhi_epi16(x[j], y[j]);
    q.v[2 * j] = requantize_small(_mm512_unpacklo_epi16(low, high), scale);
    q.v[2 * j + 1] = requantize_small(_mm512_unpackhi_epi16(low, high), scale);
  });
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), pack_bytes(q, b));
}

constexpr float kLargeScale = 0x1p15f;  // times 255 * 255 is below 2^31

template <bool Repeated>
void mul_values(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale,
                const OutputRange& output, int8_t* out) {
  const Words<false> x(a);
  const Words<Repeated> y(b);
  const __m512 scales = _mm512_set1_ps(scale);
  const Bounds limits = bounds(output);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i bytes = multiply({x.load(i), x.load(i + 32)}, {y.load(i), y.load(i + 32)}, scales, limits);
    _mm512_storeu_si512(out + i, bytes);
  }
  if (i == n) return;
  const __mmask64 mask = (uint64_t{1} << (n - i)) - 1;
  const auto low = static_cast<__mmask32>(mask), high = static_cast<__mmask32>(mask >> 32);
  const size_t second = high != 0 ? i + 32 : i;
  const __m512i bytes =
      multiply({x.load(i, low), x.load(second, high)}, {y.load(i, low), y.load(second, high)}, scales, limits);
  _mm512_mask_storeu_epi8(out + i, mask, bytes);
}

void add(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, const OutputRange& output, int8_t* out) {
  if (n == 0) return;
  if (a.step == 0 && b.step == 0) return elementwise_loops::add(n, a, b, output, out);
  if (a.step == 0) return add_values<true>(n, b, a, output, out);
  b.step == 0 ? add_values<true>(n, a, b, output, out) : add_values<false>(n, a, b, output, out);
}

void mul(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale, const OutputRange& output,
         int8_t* out) {
  if (n == 0) return;
  if (!(scale < kLargeScale) || (a.step == 0 && b.step == 0))
    return elementwise_loops::mul(n, a, b, scale, output, out);
  if (a.step == 0) return mul_values<true>(n, b, a, scale, output, out);
  b.step == 0 ? mul_values<true>(n, a, b, scale, output, out) : mul_values<false>(n, a, b, scale, output, out);
}

void quantize(size_t n, const float* x, float inverse_scale, const OutputRange& output, int8_t* out) {
  const __m512 scales = _mm512_set1_ps(inverse_scale);
  for_each_16(
      n, output, out,
      [&](size_t i) MOBILEKERNELS_INLINE_LAMBDA { return _mm512_mul_ps(_mm512_loadu_ps(x + i), scales); },
      [&](size_t i, __mmask16 mask)
          MOBILEKERNELS_INLINE_LAMBDA { return _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scales); });
}

// 256 entries as 128 words; vpermi2w looks up 64 of them.
struct Table {
  __m512i words[4];
};

// Each word of `index` is in [0, 255]; the entry comes in the low byte, something else in the high one.
[[gnu::always_inline]] inline __m512i find(const Table& table, __m512i index) {
  const __m512i word = _mm512_srli_epi16(index, 1);
  const __m512i lower = _mm512_permutex2var_epi16(table.words[0], word, table.words[1]);
  const __m512i upper = _mm512_permutex2var_epi16(table.words[2], word, table.words[3]);
  const __m512i both = _mm512_mask_blend_epi16(_mm512_test_epi16_mask(index, _mm512_set1_epi16(128)), lower, upper);
  const __mmask32 odd = _mm512_test_epi16_mask(index, _mm512_set1_epi16(1));
  return _mm512_mask_srli_epi16(both, odd, both, 8);
}

void lut_by_words(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  Table t;
  for (int i = 0; i < 4; ++i) t.words[i] = _mm512_loadu_si512(table + 64 * i);
  const __m512i low_bytes = _mm512_set1_epi16(255);
  for (size_t i = 0; i < n; i += 64) {
    const __mmask64 mask = n - i >= 64 ? ~uint64_t{0} : (uint64_t{1} << (n - i)) - 1;
    const __m512i index = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, x + i), _mm512_set1_epi8(-128));
    const __m512i even = find(t, _mm512_and_si512(index, low_bytes));
    const __m512i odd = find(t, _mm512_srli_epi16(index, 8));
    const __m512i found = _mm512_or_si512(_mm512_and_si512(even, low_bytes), _mm512_slli_epi16(odd, 8));
    _mm512_mask_storeu_epi8(out + i, mask, found);
  }
}

// Whole vectors: vpermi2b looks bytes up, among 128 of them by the low seven bits. A code's top bit, its sign, says
// which half: table[0] is that of -128.
[[gnu::target("avx512vbmi")]] size_t lut_by_bytes(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  __m512i t[4];
  for (int i = 0; i < 4; ++i) t[i] = _mm512_loadu_si512(table + 64 * i);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i codes = _mm512_loadu_si512(x + i);
    const __m512i negative = _mm512_permutex2var_epi8(t[0], codes, t[1]);
    const __m512i positive = _mm512_permutex2var_epi8(t[2], codes, t[3]);
    _mm512_storeu_si512(out + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), positive, negative));
  }
  return i;
}

// VNNI is older than VBMI: Cascade Lake has the one alone.
void lut(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  const size_t done = __builtin_cpu_supports("avx512vbmi") ? lut_by_bytes(n, x, table, out) : 0;
  lut_by_words(n - done, x + done, table, out + done);
}

void quantize3(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output, int8_t* out) {
  const __m512 factor = _mm512_set1_ps(inverse_scale);
  const __m512 lo = _mm512_set1_ps(static_cast<float>(output.lo - output.zero_point));
  const __m512 hi = _mm512_set1_ps(static_cast<float>(output.hi - output.zero_point));
  const __m128i zero_point = _mm_set1_epi8(static_cast<int8_t>(output.zero_point));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m128i q[3];
    for (int c = 0; c < 3; ++c) {
      // A NaN becomes the lower bound: max gives its second operand then.
      const __m512 f = _mm512_max_ps(_mm512_mul_ps(_mm512_loadu_ps(planes[c] + i), factor), lo);
      const __m128i less_zero = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_min_ps(f, hi)));
      q[c] = _mm_add_epi8(less_zero, zero_point);  // both wrap, and the sum fits
    }
    interleave3_x86::store(q, out + 3 * i);
  }
  elementwise_loops::quantize3_rest(i, n, planes, inverse_scale, output, out);
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {add,
                                        mul,
                                        lut,
                                        quantize,
                                        quantize3,
                                        elementwise_loops::dequantize,
                                        interleave2_x86::interleave2,
                                        elementwise_loops::widen};

}  // namespace avx512vnni
}  // namespace mobilekernels
