// The reference: what every other kernel of this family must equal byte for byte.
#include "kernels/spgemm_f32/spgemm_f32.h"

namespace mobilekernels {
namespace scalar {
namespace {

constexpr size_t kQuad = 4;

size_t most_pixels(size_t, size_t) { return 8; }

void transpose(const TransposeF32& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    for (size_t c = 0; c < args.columns; ++c) args.to[c * args.to_stride + r] = args.from[r * args.from_stride + c];
  }
}

void run(const SpgemmF32Args& args) {
  for (size_t c = 0; c < args.channels; ++c) {
    const size_t row_group = c / args.block_channels;
    const size_t in_block = c % args.block_channels;
    for (size_t p = 0; p < args.pixels; ++p) {
      float sum = args.bias[c];
      for (size_t b = args.begin[row_group]; b < args.begin[row_group + 1]; ++b) {
        const float* x = args.panel + args.quad[b] * kQuad * args.pixels + p;
        const float* w = args.w + b * kQuad * args.block_channels + in_block;
        for (size_t i = 0; i < kQuad; ++i) {
          // A call of the library's fmaf where this CPU's oldest kin have no such instruction: slow, and exact.
          sum = __builtin_fmaf(x[i * args.pixels], w[i * args.block_channels], sum);
        }
      }
      args.out[c * args.out_stride + p] = sum < args.lo ? args.lo : sum > args.hi ? args.hi : sum;
    }
  }
}

}  // namespace

extern const SpgemmF32Kernel spgemm_f32;
const SpgemmF32Kernel spgemm_f32 = {1, most_pixels, transpose, run, /*run_row=*/nullptr};

}  // namespace scalar
}  // namespace mobilekernels
