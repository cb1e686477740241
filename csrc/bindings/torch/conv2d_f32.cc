#include "ops/conv2d_f32.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"
#include "bindings/torch/packed.h"
#include "ops/conv2d.h"

namespace mobilekernels::torch_face {
namespace {

// [N, C, H, W], unlike the images of int8.
Shape4 float_image_shape(const char* op, const Tensor& x) {
  check_cpu(op, "x", x);
  check_dtype(op, "x", x, ScalarType::Float);
  check_rank(op, "x", x, 4, "[N, C, H, W]");
  if (!x.is_contiguous()) {
    fail_value(op, "x", "strides " + list_text(x.strides()) + " for shape " + list_text(x.sizes()),
               "a contiguous tensor, [N, C, H, W]");
  }
  return {x.size(0), x.size(2), x.size(3), x.size(1)};
}

Tensor conv2d_f32(Output out, const Tensor& x, const Tensor& packed, int64_t out_channels, const Ints& kernel_size,
                  const Ints& stride, const Ints& padding, const Ints& dilation, int64_t groups, double out_min,
                  double out_max) {
  constexpr const char* kOp = "conv2d_f32";
  Conv2dF32Args args{};
  args.shape = float_image_shape(kOp, x);
  args.x = static_cast<const float*>(x.const_data_ptr());
  args.packed = int8_data(kOp, "packed", packed);
  args.packed_bytes = static_cast<size_t>(packed.numel());
  args.out_channels = out_channels;
  args.groups = groups;
  args.window = window(kOp, kernel_size, stride, padding, dilation);
  args.lo = static_cast<float>(out_min);
  args.hi = static_cast<float>(out_max);
  const PackedHeader header = check_out_channels(kOp, "out_channels", out_channels, args.packed, args.packed_bytes);
  if (kernel_size != Ints{header.kernel_h, header.kernel_w}) {
    fail_value(kOp, "kernel_size", list_text(kernel_size),
               list_text(Ints{header.kernel_h, header.kernel_w}) + " (as packed)");
  }
  Shape4 shape{};
  check(kOp, conv2d_output_shape(args.shape, out_channels, args.window, &shape));
  const Tensor y = out.take(kOp, {shape.n, shape.c, shape.h, shape.w}, ScalarType::Float, {&x, &packed});
  args.out = static_cast<float*>(y.mutable_data_ptr());
  const int threads = thread_count();
  check(kOp, mobilekernels::conv2d_f32(args, make_context(threads, conv2d_f32_workspace(args, threads))));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  define(library, "conv2d_f32",
         "Tensor x, Tensor packed, int out_channels, int[] kernel_size, int[] stride, int[] padding, int[] dilation, "
         "int groups, float out_min, float out_max");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) { implement<&conv2d_f32>(library, "conv2d_f32"); }

}  // namespace
}  // namespace mobilekernels::torch_face
