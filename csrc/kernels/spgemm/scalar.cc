// The reference: what every other kernel of this family must equal byte for byte.
#include "kernels/epilogue_scalar_inl.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm/spgemm_inl.h"

namespace mobilekernels {
namespace scalar {
namespace {

using spgemm_loops::kQuad;
using spgemm_loops::Panel;

size_t most_pixels(size_t, size_t) { return 8; }

void pack(const SpgemmPack& args) {
  auto* to = static_cast<int8_t*>(args.to);
  for (size_t q = 0; q < args.quads; ++q) {
    for (size_t p = 0; p < args.pixels; ++p) {
      for (size_t i = 0; i < kQuad; ++i) *to++ = static_cast<int8_t>(args.rows[p][q * kQuad + i] ^ args.flip);
    }
  }
}

int32_t dot(const SpgemmArgs& args, const Panel& panel, size_t pixel, size_t channel) {
  const size_t row_group = channel / args.block_channels;
  const size_t in_block = channel % args.block_channels;
  const auto* a = reinterpret_cast<const int8_t*>(panel.data) + pixel * kQuad;
  int32_t acc = args.epilogue.bias[channel];
  for (size_t b = args.begin[row_group]; b < args.begin[row_group + 1]; ++b) {
    const int8_t* x = a + args.quad[b] * panel.stride * kQuad;
    const int8_t* w = args.w + (b * args.block_channels + in_block) * kQuad;
    for (size_t i = 0; i < kQuad; ++i) acc += int32_t{x[i]} * w[i];
  }
  return acc;
}

void run(const SpgemmArgs& args) {
  const ResidualAdd* add = args.epilogue.residual;
  spgemm_loops::for_panels(args, 1, [&](const Panel& panel) {
    for (size_t p = 0; p < panel.pixels; ++p) {
      const size_t pixel = panel.first + p;
      for (size_t c = 0; c < args.channels; ++c) {
        const int32_t acc = dot(args, panel, p, c);
        const size_t to = pixel * args.out_stride + c;
        if (args.out_float != nullptr) {
          args.out_float[to] = epilogue_scalar::to_float(acc, args.epilogue, pixel, c);
        } else {
          const int8_t* residual = add == nullptr ? nullptr : add->data + pixel * add->stride + c;
          args.out[to] = epilogue_scalar::requantize(acc, args.epilogue.scale[c], args.epilogue, residual);
        }
      }
    }
  });
}

}  // namespace

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {1, /*u8=*/false, most_pixels, pack, run, /*run_row=*/nullptr};

}  // namespace scalar
}  // namespace mobilekernels
