// 16 channels at a time. Two taps make one vpmaddwd: the bytes of both are interleaved and widened to int16, so each
// int32 lane gets x[t] * w[t] + x[t + 1] * w[t + 1], exactly.
#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_avx2_inl.h"

namespace mobilekernels {
namespace avx2 {
namespace {

using namespace depthwise_loops;
using namespace epilogue_avx2;

struct Pair {
  __m256i lo, hi;  // channels 0..7 and 8..15: int16 of two taps, interleaved
};

Pair interleave(__m128i a, __m128i b) {
  return {_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)), _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b))};
}

// `w`: taps x 16 channels. An odd last tap is paired with zeros.
void unpack_weights(const int8_t* w, size_t taps, Pair* pairs) {
  for (size_t t = 0; t < taps; t += 2) {
    const __m128i a = load_bytes(w + t * kPanel, kPanel);
    const __m128i b = t + 1 < taps ? load_bytes(w + (t + 1) * kPanel, kPanel) : _mm_setzero_si128();
    pairs[t / 2] = interleave(a, b);
  }
}

// Channels c .. c + n - 1 of every pixel. Inlined twice, so that whole panels do without partial loads.
[[gnu::always_inline]] inline void run_panel(const DepthwiseArgs& args, const Constants& constants, size_t c,
                                             size_t n) {
  const Epilogue& e = args.epilogue;
  Pair weights[kChunkTaps / 2];
  if (args.taps <= kChunkTaps) unpack_weights(weights_at(args, c, 0), args.taps, weights);
  for (size_t p = 0; p < args.pixels; ++p) {
    const int8_t* const* input = args.input + p * args.input_step;
    __m256i acc0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(e.bias + c));
    __m256i acc1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(e.bias + c + 8));
    for (size_t first = 0; first < args.taps; first += kChunkTaps) {
      const size_t taps = smaller(args.taps - first, kChunkTaps);
      if (args.taps > kChunkTaps) unpack_weights(weights_at(args, c, first), taps, weights);
      for (size_t t = 0; t < taps; t += 2) {
        const __m128i a = load_bytes(input[first + t] + c, n);
        // Past the last tap the weight is zero and anything will do.
        const __m128i b = t + 1 < taps ? load_bytes(input[first + t + 1] + c, n) : a;
        const Pair x = interleave(a, b);
        acc0 = _mm256_add_epi32(acc0, _mm256_madd_epi16(x.lo, weights[t / 2].lo));
        acc1 = _mm256_add_epi32(acc1, _mm256_madd_epi16(x.hi, weights[t / 2].hi));
      }
    }
    const size_t to = p * args.out_stride + c;
    if (args.out_float != nullptr) {
      store16_float(args.out_float + to, n, acc0, acc1, e.scale + c);
    } else {
      store16(args.out + to, n, residual_at(args, p, c), acc0, acc1, e.scale + c, constants);
    }
  }
}

void run(const DepthwiseArgs& args) {
  const Constants constants = load_constants(args.epilogue);
  size_t c = 0;
  for (; c + kPanel <= args.channels; c += kPanel) run_panel(args, constants, c, kPanel);
  if (c < args.channels) run_panel(args, constants, c, args.channels - c);
}

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run};

}  // namespace avx2
}  // namespace mobilekernels
