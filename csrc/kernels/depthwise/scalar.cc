// The reference: what every other depthwise kernel must equal byte for byte.
#include "kernels/depthwise/depthwise_inl.h"
#include "kernels/epilogue_scalar_inl.h"

namespace mobilekernels {
namespace scalar {
namespace {

using namespace depthwise_loops;

int32_t convolve(const DepthwiseArgs& args, const int8_t* const* input, size_t c) {
  const int8_t* w = weights_at(args, c / kPanel * kPanel, 0) + c % kPanel;
  int32_t acc = args.epilogue.bias[c];
  for (size_t t = 0; t < args.taps; ++t) acc += int32_t{input[t][c]} * w[t * kPanel];
  return acc;
}

void run(const DepthwiseArgs& args) {
  for (size_t p = 0; p < args.pixels; ++p) {
    for (size_t c = 0; c < args.channels; ++c) {
      const int32_t acc = convolve(args, args.input + p * args.input_step, c);
      const float scale = args.epilogue.scale[c];
      const size_t to = p * args.out_stride + c;
      if (args.out_float != nullptr) {
        args.out_float[to] = static_cast<float>(acc) * scale;
      } else {
        args.out[to] = epilogue_scalar::requantize(acc, scale, args.epilogue, residual_at(args, p, c));
      }
    }
  }
}

}  // namespace

extern const DepthwiseKernel depthwise;
const DepthwiseKernel depthwise = {run};

}  // namespace scalar
}  // namespace mobilekernels
