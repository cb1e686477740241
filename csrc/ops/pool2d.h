// Max, average and adaptive average pooling over NHWC int8.
//   average: f = float(sum(q - zp_in)) * float(s_in / (s_out * divisor))
// `divisor` is the number of values averaged, as in torch: window size with count_include_pad (clipped to the
// padded input where ceil_mode overhangs), the values inside the image without, or divisor_override.
//
// Padding must be smaller than the window on every side: 0 <= pad <= dilation * (kernel - 1). A window that sees
// nothing of the image (dilation steps over it, or ceil_mode leaves it in the padding) gives -128 as maximum, and
// the zero point as average.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

struct Pool2dArgs {
  const int8_t* x;
  Shape4 shape;
  Window window;  // average: dilation 1
  bool ceil_mode;
  int8_t* out;
};

struct AveragePool2dArgs {
  Pool2dArgs pool;
  bool count_include_pad;
  int64_t divisor_override;  // 0: none
  double x_scale;
  int32_t x_zero_point;
  double out_scale;
  OutputRange output;
};

struct AdaptiveAveragePool2dArgs {
  const int8_t* x;
  Shape4 shape;
  int64_t out_h, out_w;
  double x_scale;
  int32_t x_zero_point;
  double out_scale;
  OutputRange output;
  int8_t* out;
};

Status pool2d_output_shape(const Shape4& shape, const Window& window, bool ceil_mode, Shape4* out);
size_t pool2d_workspace(const Shape4& shape, const Window& window, int threads);
size_t adaptive_average_pool2d_workspace(const AdaptiveAveragePool2dArgs& args, int threads);
Status max_pool2d(const Pool2dArgs& args, const Context& context);
Status average_pool2d(const AveragePool2dArgs& args, const Context& context);
Status adaptive_average_pool2d(const AdaptiveAveragePool2dArgs& args, const Context& context);

}  // namespace mobilekernels
