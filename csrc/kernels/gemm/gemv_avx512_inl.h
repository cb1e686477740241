// One row (a linear layer at batch 1): every weight is used once, and memory is what it waits for. Four sums keep
// vpdpbusd busy in spite of its latency.
//
// Where caches hold the weights, they go by in the order in which they lie, one panel after the other, and k is split
// over the sums: one stream, which gives 5 to 10 % more from Zen 4's last-level cache than four or eight panels side by
// side, and 20 to 30 % more than software prefetches do. From DRAM, four panels side by side are better: hardware
// prefetchers stop at the end of a page, and four pages at a time hide it.
#pragma once

#include <immintrin.h>

#include "kernels/epilogue_avx512_inl.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"
#include "kernels/unroll.h"

namespace mobilekernels {
namespace {

// A tile (gemm_inl.h) of one row; activations are packed as q + 128.
template <int Streams>
struct Gemv {
  static constexpr int kRows = 1;
  static constexpr int kPanels = 4;  // the epilogue of so many is one vector of bytes
  static constexpr int kSums = 4;
  using Constants = epilogue_avx512::Constants;
  static Constants load_constants(const Epilogue& epilogue) { return epilogue_avx512::load_constants(epilogue); }

  template <int Rows, int Panels>
  [[gnu::noinline]] static void run(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                    const Constants& constants) {
    const Epilogue& e = args.epilogue;
    const char* a = gemm_loops::row_pointer(args, origin.row);
    __m512i acc[Panels];
    if constexpr (Panels == Streams) {
      dot(a, gemm_loops::panel_pointer(args, origin.channel), args.quads, acc);
    } else {
      for (int p = 0; p < Panels; ++p) {
        const size_t channel = origin.channel + static_cast<size_t>(p) * kPanelChannels;
        __m512i panel[1];
        dot(a, gemm_loops::panel_pointer(args, channel), args.quads, panel);
        acc[p] = panel[0];
      }
    }
    unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      const size_t channel = origin.channel + p * kPanelChannels;
      const __m512i wsum = _mm512_slli_epi32(_mm512_loadu_si512(e.wsum + channel), 7);
      acc[p] = _mm512_add_epi32(acc[p], _mm512_sub_epi32(_mm512_loadu_si512(e.bias + channel), wsum));
    });
    store(args, origin, constants, acc);
  }

 private:
  // gcc copies sums about where it may choose the register of the result.
  [[gnu::always_inline]] static void dot_quad(__m512i& acc, __m512i a, __m512i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "vm"(w));
  }

  // Several panels side by side, or k of one over several sums.
  template <int Panels>
  [[gnu::always_inline]] static void dot(const char* a, const int8_t* w, size_t quads, __m512i (&sums)[Panels]) {
    constexpr int kSplit = kSums / Panels;
    constexpr size_t kStep = kQuad * kPanelChannels;
    const size_t panel_bytes = quads * kStep;
    __m512i acc[kSplit][Panels];
    unroll<kSplit>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA {
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA { acc[i][p] = _mm512_setzero_si512(); });
    });
    const auto add = [&](__m512i(&to)[Panels], size_t q) MOBILEKERNELS_INLINE_LAMBDA {
      int32_t quad;
      __builtin_memcpy(&quad, a + q * kQuad, sizeof(quad));
      const __m512i row = _mm512_set1_epi32(quad);
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        dot_quad(to[p], row, _mm512_loadu_si512(w + p * panel_bytes + q * kStep));
      });
    };
    size_t q = 0;
    for (; q + kSplit <= quads; q += kSplit) {
      unroll<kSplit>([&](auto i) MOBILEKERNELS_INLINE_LAMBDA { add(acc[i], q + i); });
    }
    for (; q < quads; ++q) add(acc[0], q);
    unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      sums[p] = acc[0][p];
      unroll<kSplit - 1>([&](auto i)
                             MOBILEKERNELS_INLINE_LAMBDA { sums[p] = _mm512_add_epi32(sums[p], acc[i + 1][p]); });
    });
  }

  template <int Panels>
  [[gnu::always_inline]] static void store(const GemmArgs& args, const gemm_loops::TileOrigin& origin,
                                           const Constants& constants, const __m512i (&acc)[Panels]) {
    const float* scale = args.epilogue.scale + origin.channel;
    if (args.out_float != nullptr) {
      unroll<Panels>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
        const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row, p);
        epilogue_avx512::store16_float(args.out_float + d.offset, d.n, acc[p], args.epilogue, origin.row, d.channel);
      });
      return;
    }
    const bool with_residual = args.epilogue.residual != nullptr;
    epilogue_avx512::Quad q;
    unroll<4>([&](auto p) MOBILEKERNELS_INLINE_LAMBDA {
      if constexpr (p >= Panels) {
        q.v[p] = q.v[0];
      } else {
        const __m512 scales = _mm512_loadu_ps(scale + p * kPanelChannels);
        if (with_residual) {
          const gemm_loops::Destination d = gemm_loops::destination(args, origin, origin.row, p);
          const __m128i bytes = _mm_maskz_loadu_epi8(epilogue_avx512::first(d.n), d.residual);
          q.v[p] = epilogue_avx512::add_residual(acc[p], scales, _mm512_cvtepi8_epi32(bytes), constants);
        } else {
          q.v[p] = epilogue_avx512::requantize(acc[p], scales, constants);
        }
      }
    });
    const __m512i bytes = epilogue_avx512::pack_bytes(q, with_residual ? constants.sum : constants.output);
    const __mmask64 mask = ~uint64_t{0} >> (64 - origin.channels);
    int8_t* out = args.out + origin.row * args.out_stride + origin.channel;
    _mm512_mask_storeu_epi8(out, mask, _mm512_xor_si512(epilogue_avx512::in_order(bytes), constants.flip));
  }
};

static inline void gemv(const GemmArgs& args) {
  constexpr size_t kCached = size_t{16} << 20;  // bytes of weights
  args.channels* args.quads* kQuad <= kCached ? gemm_loops::run<Gemv<1>>(args) : gemm_loops::run<Gemv<4>>(args);
}

}  // namespace
}  // namespace mobilekernels
