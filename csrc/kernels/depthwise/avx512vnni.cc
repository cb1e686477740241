// 64 channels at a time. Four taps make one vpdpbusd: their bytes are interleaved, so each int32 lane gets the four
// products of its channel, exactly. vpdpbusd wants unsigned activations: x + 128 goes in (a flip of the top bit), and
// the accumulator starts at bias - 128 * wsum. Interleaving leaves the channels in the order of transpose_lanes().
#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_avx512_inl.h"

namespace mobilekernels {
namespace avx512vnni {
namespace {

using namespace depthwise_loops;
using namespace epilogue_avx512;

constexpr size_t kBlock = 64;

// Four rows (taps) of 64 bytes (channels) -> the four bytes of a channel next to each other.
[[gnu::always_inline]] inline Quad interleave(const __m512i (&row)[4]) {
  const __m512i lo01 = _mm512_unpacklo_epi8(row[0], row[1]), hi01 = _mm512_unpackhi_epi8(row[0], row[1]);
  const __m512i lo23 = _mm512_unpacklo_epi8(row[2], row[3]), hi23 = _mm512_unpackhi_epi8(row[2], row[3]);
  return {{_mm512_unpacklo_epi16(lo01, lo23), _mm512_unpackhi_epi16(lo01, lo23), _mm512_unpacklo_epi16(hi01, hi23),
           _mm512_unpackhi_epi16(hi01, hi23)}};
}

// Channels c .. c + 63 of a per-channel table, zeros past its panels.
template <typename T>
Quad load_table(const T* table, size_t panels) {
  Quad rows;
  for (size_t i = 0; i < 4; ++i) rows.v[i] = i < panels ? _mm512_loadu_si512(table + i * kPanel) : __m512i{};
  return transpose_lanes(rows);
}

// Tap t of the panels from channel c on.
__m512i load_weights(const DepthwiseArgs& args, size_t c, size_t panels, size_t t) {
  __m128i row[4] = {};
  for (size_t i = 0; i < panels; ++i) {
    row[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights_at(args, c + i * kPanel, t)));
  }
  const __m256i lo = _mm256_inserti128_si256(_mm256_castsi128_si256(row[0]), row[1], 1);
  const __m256i hi = _mm256_inserti128_si256(_mm256_castsi128_si256(row[2]), row[3], 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

// Taps past the last are zeros.
void unpack_weights(const DepthwiseArgs& args, size_t c, size_t panels, size_t first, size_t taps, Quad* quads) {
  for (size_t t = 0; t < taps; t += 4) {
    __m512i row[4] = {};
    for (size_t i = 0; i < 4 && t + i < taps; ++i) row[i] = load_weights(args, c, panels, first + t + i);
    quads[t / 4] = interleave(row);
  }
}

// Channels c .. c + n - 1 of every pixel. Inlined twice, so that whole blocks do without masked loads.
[[gnu::always_inline]] inline void run_block(const DepthwiseArgs& args, const Constants& constants, size_t c,
                                             size_t n) {
  const Epilogue& e = args.epilogue;
  const size_t panels = (n + kPanel - 1) / kPanel;
  const __mmask64 mask = ~uint64_t{0} >> (kBlock - n);
  const __m512i flip = _mm512_set1_epi8(-128);
  const Quad scale = load_table(e.scale + c, panels);
  const Quad wsum = load_table(e.wsum + c, panels);
  Quad start = load_table(e.bias + c, panels);
  for (int j = 0; j < 4; ++j) start.v[j] = _mm512_sub_epi32(start.v[j], _mm512_slli_epi32(wsum.v[j], 7));
  Quad weights[kChunkTaps / 4];
  if (args.taps <= kChunkTaps) unpack_weights(args, c, panels, 0, args.taps, weights);
  for (size_t p = 0; p < args.pixels; ++p) {
    const int8_t* const* input = args.input + p * args.input_step;
    __m512i acc0 = start.v[0], acc1 = start.v[1], acc2 = start.v[2], acc3 = start.v[3];
    for (size_t first = 0; first < args.taps; first += kChunkTaps) {
      const size_t taps = smaller(args.taps - first, kChunkTaps);
      if (args.taps > kChunkTaps) unpack_weights(args, c, panels, first, taps, weights);
      for (size_t t = 0; t < taps; t += 4) {
        __m512i row[4];
        for (size_t i = 0; i < 4; ++i) {
          // Past the last tap the weights are zeros and any row will do.
          const int8_t* x = input[first + smaller(t + i, taps - 1)] + c;
          row[i] = _mm512_xor_si512(n == kBlock ? _mm512_loadu_si512(x) : _mm512_maskz_loadu_epi8(mask, x), flip);
        }
        const Quad x = interleave(row);
        const Quad& w = weights[t / 4];
        acc0 = _mm512_dpbusd_epi32(acc0, x.v[0], w.v[0]);
        acc1 = _mm512_dpbusd_epi32(acc1, x.v[1], w.v[1]);
        acc2 = _mm512_dpbusd_epi32(acc2, x.v[2], w.v[2]);
        acc3 = _mm512_dpbusd_epi32(acc3, x.v[3], w.v[3]);
      }
    }
    const Quad acc = {{acc0, acc1, acc2, acc3}};
    const size_t to = p * args.out_stride + c;
    if (args.out_float == nullptr) {
      const int8_t* residual = residual_at(args, p, c);
      const Quad r = residual == nullptr ? Quad{} : unpack_int8(_mm512_maskz_loadu_epi8(mask, residual));
      Quad q;
      for (int j = 0; j < 4; ++j) {
        const __m512 s = _mm512_castsi512_ps(scale.v[j]);
        q.v[j] =
            residual == nullptr ? requantize(acc.v[j], s, constants) : add_residual(acc.v[j], s, r.v[j], constants);
      }
      const __m512i bytes = pack_bytes(q, residual == nullptr ? constants.output : constants.sum);
      _mm512_mask_storeu_epi8(args.out + to, mask, bytes);
      continue;
    }
    const Quad ordered = transpose_lanes(acc);
    for (size_t i = 0; i < panels; ++i) {
      store16_float(args.out_float + to + i * kPanel, smaller(n - i * kPanel, kPanel), ordered.v[i],
                    e.scale + c + i * kPanel);
    }
  }
}

void run(const DepthwiseArgs& args) {
  const Constants constants = load_constants(args.epilogue);
  size_t c = 0;
  for (; c + kBlock <= args.channels; c += kBlock) run_block(args, constants, c, kBlock);
  if (c < args.channels) run_block(args, constants, c, args.channels - c);
}

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run};

}  // namespace avx512vnni
}  // namespace mobilekernels
