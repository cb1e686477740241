// From images in float32 to the panels that block-sparse kernels read (kernels/spgemm_f32/spgemm_f32.h). Images are
// NCHW: pixels lie side by side in them as they do in a panel, so that a panel is made of runs of a line.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct ImageF32 {
  const float* x;  // [n][c][h][w]
  Shape4 shape;
  Window window;
  int64_t out_h, out_w;
  int64_t channels;  // of a group

  int64_t k() const { return window.kernel_h * window.kernel_w * channels; }
};

// Pixels [begin, end) of an output plane, at most kMostPanelPixelsF32, of the group whose first channel is
// `first_channel`: all k and zeros up to a whole quad, each of `stride` values, zeros behind the last pixel.
void write_panel(const ImageF32& source, int64_t image, int64_t first_channel, int64_t begin, int64_t end,
                 int64_t stride, float* panel);

}  // namespace mobilekernels
