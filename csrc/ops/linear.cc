#include "ops/linear.h"

#include "ops/check.h"
#include "ops/conv2d.h"
#include "pack/format.h"

namespace mobilekernels {
namespace {

// A linear layer is a 1x1 convolution over an image of rows x 1.
Conv2dArgs as_conv2d(const LinearArgs& args) {
  Conv2dArgs conv{};
  conv.x = args.x;
  conv.shape = {args.rows > 0 ? 1 : 0, args.rows > 0 ? args.rows : 1, 1, args.in_features};
  conv.packed = args.packed;
  conv.packed_bytes = args.packed_bytes;
  conv.out_channels = args.out_features;
  conv.groups = 1;
  conv.window = {1, 1, 1, 1, 0, 0, 0, 0, 1, 1};
  conv.x_zero_point = args.x_zero_point;
  conv.output = args.output;
  conv.out = args.out;
  conv.out_float = args.out_float;
  return conv;
}

}  // namespace

size_t linear_workspace(const LinearArgs& args, int threads) { return conv2d_workspace(as_conv2d(args), threads); }

Status linear(const LinearArgs& args, const Context& context) {
  PackedWeight packed;
  MOBILEKERNELS_RETURN_IF_ERROR(open_packed(args.packed, args.packed_bytes, &packed));
  // Said in the words of linear; conv2d checks the rest.
  MOBILEKERNELS_RETURN_IF_ERROR(check_linear_sizes("linear", packed.header, args.in_features, args.out_features));
  return conv2d(as_conv2d(args), context);
}

}  // namespace mobilekernels
