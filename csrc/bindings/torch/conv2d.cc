#include "ops/conv2d.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"
#include "bindings/torch/packed.h"

namespace mobilekernels::torch_face {
namespace {

// The arguments that all forms of a convolution share; the rest of Conv2dArgs is left empty.
Conv2dArgs common(const char* op, const Tensor& x, const Tensor& packed, int64_t out_channels, const Ints& kernel_size,
                  const Ints& stride, const Ints& padding, const Ints& dilation, int64_t groups, int64_t x_zero_point) {
  Conv2dArgs args{};
  args.x = int8_data(op, "x", x);
  args.shape = image_shape(op, "x", x);
  args.packed = int8_data(op, "packed", packed);
  args.packed_bytes = static_cast<size_t>(packed.numel());
  args.out_channels = out_channels;
  args.groups = groups;
  args.window = window(op, kernel_size, stride, padding, dilation);
  args.x_zero_point = int8_code(op, "x_zero_point", x_zero_point);
  const PackedHeader header = check_out_channels(op, "out_channels", out_channels, args.packed, args.packed_bytes);
  if (kernel_size != Ints{header.kernel_h, header.kernel_w}) {
    fail_value(op, "kernel_size", list_text(kernel_size),
               list_text(Ints{header.kernel_h, header.kernel_w}) + " (as packed)");
  }
  return args;
}

Shape4 output_shape(const char* op, const Conv2dArgs& args) {
  Shape4 shape{};
  check(op, conv2d_output_shape(args.shape, args.out_channels, args.window, &shape));
  return shape;
}

void run(const char* op, const Conv2dArgs& args) {
  const int threads = thread_count();
  check(op, mobilekernels::conv2d(args, make_context(threads, conv2d_workspace(args, threads))));
}

Tensor conv2d(Output out, const Tensor& x, const Tensor& packed, int64_t out_channels, const Ints& kernel_size,
              const Ints& stride, const Ints& padding, const Ints& dilation, int64_t groups, int64_t x_zero_point,
              int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  constexpr const char* kOp = "conv2d";
  Conv2dArgs args = common(kOp, x, packed, out_channels, kernel_size, stride, padding, dilation, groups, x_zero_point);
  args.output = output_range(kOp, out_zero_point, out_min, out_max);
  const Tensor y = out.take(kOp, image_sizes(output_shape(kOp, args)), ScalarType::Char, {&x, &packed});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  run(kOp, args);
  return y;
}

Tensor conv2d_add(Output out, const Tensor& x, const Tensor& packed, const Tensor& residual, int64_t out_channels,
                  const Ints& kernel_size, const Ints& stride, const Ints& padding, const Ints& dilation,
                  int64_t groups, int64_t x_zero_point, double conv_scale, int64_t conv_zero_point, int64_t conv_min,
                  int64_t conv_max, double residual_scale, int64_t residual_zero_point, double out_scale,
                  int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  constexpr const char* kOp = "conv2d_add";
  Conv2dArgs args = common(kOp, x, packed, out_channels, kernel_size, stride, padding, dilation, groups, x_zero_point);
  args.output = output_range(kOp, out_zero_point, out_min, out_max);
  const Ints sizes = image_sizes(output_shape(kOp, args));
  Conv2dResidual added{};
  added.data = int8_data(kOp, "residual", residual);
  if (sizes_of(residual) != sizes) {
    fail_value(kOp, "residual", "shape " + list_text(residual.sizes()), "the output's, " + list_text(sizes));
  }
  added.params = qparams(kOp, residual_scale, "residual_zero_point", residual_zero_point);
  added.main = qparams(kOp, conv_scale, "conv_zero_point", conv_zero_point);
  added.sum = qparams(kOp, out_scale, "out_zero_point", out_zero_point);
  added.main_range = output_range(kOp, conv_zero_point, conv_min, conv_max, "conv_zero_point", "conv_min", "conv_max");
  args.residual = &added;
  const Tensor y = out.take(kOp, sizes, ScalarType::Char, {&x, &packed, &residual});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  run(kOp, args);
  return y;
}

Tensor conv2d_float(Output out, const Tensor& x, const Tensor& packed, int64_t out_channels, const Ints& kernel_size,
                    const Ints& stride, const Ints& padding, const Ints& dilation, int64_t groups,
                    int64_t x_zero_point) {
  constexpr const char* kOp = "conv2d_float";
  Conv2dArgs args = common(kOp, x, packed, out_channels, kernel_size, stride, padding, dilation, groups, x_zero_point);
  const Tensor y = out.take(kOp, image_sizes(output_shape(kOp, args)), ScalarType::Float, {&x, &packed});
  args.out_float = static_cast<float*>(y.mutable_data_ptr());
  run(kOp, args);
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  const std::string window =
      "int out_channels, int[] kernel_size, int[] stride, int[] padding, int[] dilation, "
      "int groups, int x_zero_point";
  define(library, "conv2d", "Tensor x, Tensor packed, " + window + ", int out_zero_point, int out_min, int out_max");
  define(library, "conv2d_add",
         "Tensor x, Tensor packed, Tensor residual, " + window +
             ", float conv_scale, int conv_zero_point, int conv_min, int conv_max, float residual_scale, "
             "int residual_zero_point, float out_scale, int out_zero_point, int out_min, int out_max");
  define(library, "conv2d_float", "Tensor x, Tensor packed, " + window);
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&conv2d>(library, "conv2d");
  implement<&conv2d_add>(library, "conv2d_add");
  implement<&conv2d_float>(library, "conv2d_float");
}

}  // namespace
}  // namespace mobilekernels::torch_face
