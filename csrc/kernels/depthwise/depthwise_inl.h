// What depthwise kernels share: the walk over pixels and channels. Weights are unpacked once for a block of channels
// and serve all the pixels of the call, so channels are the outer loop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise/depthwise.h"

namespace mobilekernels::depthwise_loops {

constexpr size_t kPanel = 16;  // channels of a weight panel

// Taps whose unpacked weights a kernel keeps on its stack at a time: one chunk for every kernel up to 8x8.
constexpr size_t kChunkTaps = 64;

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// The residual of channel c of pixel p, or null.
static inline const int8_t* residual_at(const DepthwiseArgs& args, size_t p, size_t c) {
  const ResidualAdd* add = args.epilogue.residual;
  return add == nullptr ? nullptr : add->data + p * add->stride + c;
}

// Weights of tap t, channels c .. c + 15, c a multiple of 16.
static inline const int8_t* weights_at(const DepthwiseArgs& args, size_t c, size_t t) {
  return args.w + c * args.taps + t * kPanel;
}

}  // namespace mobilekernels::depthwise_loops
