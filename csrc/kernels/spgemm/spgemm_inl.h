// The loops around the sums of one row group, for every ISA.
#pragma once

#include "kernels/spgemm/spgemm.h"

namespace mobilekernels::spgemm_loops {

constexpr size_t kTileChannels = 16;  // one row of tables, and 16 bytes of output a pixel
constexpr size_t kQuad = 4;

struct Panel {
  const char* data;
  size_t first;   // pixel of the call
  size_t pixels;  // real ones
  size_t stride;  // pixels, rounded up to the kernel's vector
};

static inline Panel panel_at(const SpgemmArgs& args, size_t first, size_t vector) {
  const size_t left = args.pixels - first;
  const size_t pixels = left < args.panel_pixels ? left : args.panel_pixels;
  const char* data = static_cast<const char*>(args.panels) + first * args.quads * kQuad;
  return {data, first, pixels, (pixels + vector - 1) / vector * vector};
}

// body(panel) for each panel.
template <typename Body>
static inline void for_panels(const SpgemmArgs& args, size_t vector, const Body& body) {
  for (size_t first = 0; first < args.pixels; first += args.panel_pixels) body(panel_at(args, first, vector));
}

// Sixteen channels or the rest of them.
struct ChannelTile {
  size_t first;  // channel of the call
  size_t channels;
};

template <typename Body>
static inline void for_tiles(const SpgemmArgs& args, const Body& body) {
  for (size_t first = 0; first < args.channels; first += kTileChannels) {
    const size_t left = args.channels - first;
    body(ChannelTile{first, left < kTileChannels ? left : kTileChannels});
  }
}

}  // namespace mobilekernels::spgemm_loops
