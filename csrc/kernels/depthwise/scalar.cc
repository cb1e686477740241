// The reference: what every other depthwise kernel must equal byte for byte.
#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_scalar_inl.h"

namespace mobilekernels {
namespace scalar {
namespace {

using namespace depthwise_loops;

int32_t convolve(const DepthwiseArgs& args, size_t y, size_t x, size_t c) {
  const DepthwiseShape& s = args.shape;
  const int flip = args.x_u8 ? 0x80 : 0;
  int32_t acc = args.epilogue.bias[c];
  for (size_t i = 0; i < s.kernel_h; ++i) {
    const size_t row = y * s.stride_h + i * s.dilation_h;
    const bool row_inside = row >= s.pad_top && row - s.pad_top < s.in_h;
    for (size_t j = 0; j < s.kernel_w; ++j) {
      const size_t column = x * s.stride_w + j * s.dilation_w;
      const bool inside = row_inside && column >= s.pad_left && column - s.pad_left < s.in_w;
      const size_t pixel = (row - s.pad_top) * s.in_w + column - s.pad_left;
      const int8_t value =
          inside ? static_cast<int8_t>(args.x[(pixel * s.channels + c) / s.multiplier] ^ flip) : args.zero_point;
      acc += int32_t{value} * weights_at(args, c / kPanel * kPanel, i * s.kernel_w + j)[c % kPanel];
    }
  }
  return acc;
}

void run(const DepthwiseArgs& args) {
  for (size_t y = args.row_begin; y < args.row_end; ++y) {
    for (size_t x = 0; x < args.shape.out_w; ++x) {
      for (size_t c = 0; c < args.shape.channels; ++c) {
        const int32_t acc = convolve(args, y, x, c);
        const float scale = args.epilogue.scale[c];
        const size_t pixel = pixel_index(args, y, x), to = pixel * args.out_stride + c;
        if (args.out_float != nullptr) {
          args.out_float[to] = static_cast<float>(acc) * scale;
        } else {
          const int8_t* residual = residual_at(args, pixel, c);
          args.out[to] = epilogue_scalar::requantize(acc, scale, args.epilogue, residual);
        }
      }
    }
  }
}

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run};

}  // namespace scalar
}  // namespace mobilekernels
