// The reference: what every other GEMM kernel must equal byte for byte.
#include "kernels/epilogue_scalar_inl.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_inl.h"

namespace mobilekernels {
namespace scalar {
namespace {

int32_t dot(const GemmArgs& args, size_t row, size_t channel) {
  const auto* a = reinterpret_cast<const int8_t*>(gemm_loops::row_pointer(args, row));
  const int8_t* panel = gemm_loops::panel_pointer(args, channel / kPanelChannels * kPanelChannels);
  const int8_t* w = panel + channel % kPanelChannels * kQuad;
  int32_t acc = args.epilogue.bias[channel];
  for (size_t k = 0; k < args.quads * kQuad; ++k) {
    acc += int32_t{a[k]} * w[k / kQuad * kPanelChannels * kQuad + k % kQuad];
  }
  return acc;
}

void run(const GemmArgs& args) {
  const ResidualAdd* add = args.epilogue.residual;
  for (size_t r = 0; r < args.rows; ++r) {
    for (size_t c = 0; c < args.channels; ++c) {
      const int32_t acc = dot(args, r, c);
      const size_t to = r * args.out_stride + c;
      if (args.out_float != nullptr) {
        args.out_float[to] = epilogue_scalar::to_float(acc, args.epilogue, r, c);
      } else {
        const int8_t* residual = add == nullptr ? nullptr : add->data + r * add->stride + c;
        args.out[to] = epilogue_scalar::requantize(acc, args.epilogue.scale[c], args.epilogue, residual);
      }
    }
  }
}

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {1, kPanelChannels, 1, true, gemm_loops::pack_int8, gemm_loops::fill_int8, run};

}  // namespace scalar
}  // namespace mobilekernels
