#include "ops/pool2d.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

// What max and average pooling share; `out` is left empty.
Pool2dArgs common(const char* op, const Tensor& x, const Window& window, bool ceil_mode) {
  Pool2dArgs args{};
  args.x = int8_data(op, "x", x);
  args.shape = image_shape(op, "x", x);
  args.window = window;
  args.ceil_mode = ceil_mode;
  return args;
}

Shape4 output_shape(const char* op, const Pool2dArgs& args) {
  Shape4 shape{};
  check(op, pool2d_output_shape(args.shape, args.window, args.ceil_mode, &shape));
  return shape;
}

Context context_for(const Pool2dArgs& args) {
  const int threads = thread_count();
  return make_context(threads, pool2d_workspace(args.shape, args.window, threads));
}

Tensor max_pool2d(Output out, const Tensor& x, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                  const Ints& dilation, bool ceil_mode) {
  constexpr const char* kOp = "max_pool2d";
  Pool2dArgs args = common(kOp, x, window(kOp, kernel_size, stride, padding, dilation), ceil_mode);
  const Tensor y = out.take(kOp, image_sizes(output_shape(kOp, args)), ScalarType::Char, {&x});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  check(kOp, mobilekernels::max_pool2d(args, context_for(args)));
  return y;
}

Tensor avg_pool2d(Output out, const Tensor& x, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                  bool ceil_mode, bool count_include_pad, int64_t divisor_override, double x_scale,
                  int64_t x_zero_point, double out_scale, int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  constexpr const char* kOp = "avg_pool2d";
  AveragePool2dArgs args{};
  args.pool = common(kOp, x, window(kOp, kernel_size, stride, padding, {1, 1}), ceil_mode);
  args.count_include_pad = count_include_pad;
  args.divisor_override = divisor_override;
  args.x_scale = x_scale;
  args.x_zero_point = int8_code(kOp, "x_zero_point", x_zero_point);
  args.out_scale = out_scale;
  args.output = output_range(kOp, out_zero_point, out_min, out_max);
  const Tensor y = out.take(kOp, image_sizes(output_shape(kOp, args.pool)), ScalarType::Char, {&x});
  args.pool.out = static_cast<int8_t*>(y.mutable_data_ptr());
  check(kOp, average_pool2d(args, context_for(args.pool)));
  return y;
}

Tensor adaptive_avg_pool2d(Output out, const Tensor& x, const Ints& output_size, double x_scale, int64_t x_zero_point,
                           double out_scale, int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  constexpr const char* kOp = "adaptive_avg_pool2d";
  AdaptiveAveragePool2dArgs args{};
  args.x = int8_data(kOp, "x", x);
  args.shape = image_shape(kOp, "x", x);
  check_length(kOp, "output_size", output_size, 2, "(height, width)");
  constexpr int64_t kMost = INT32_MAX;
  if (output_size[0] < 1 || output_size[1] < 1 || output_size[0] > kMost || output_size[1] > kMost) {
    fail_value(kOp, "output_size", list_text(output_size), "1 to " + std::to_string(kMost));
  }
  args.out_h = output_size[0];
  args.out_w = output_size[1];
  args.x_scale = x_scale;
  args.x_zero_point = int8_code(kOp, "x_zero_point", x_zero_point);
  args.out_scale = out_scale;
  args.output = output_range(kOp, out_zero_point, out_min, out_max);
  const Tensor y = out.take(kOp, {args.shape.n, args.out_h, args.out_w, args.shape.c}, ScalarType::Char, {&x});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  const int threads = thread_count();
  check(kOp, adaptive_average_pool2d(args, make_context(threads, adaptive_average_pool2d_workspace(args, threads))));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  const std::string window = "int[] kernel_size, int[] stride, int[] padding, ";
  const std::string params =
      "float x_scale, int x_zero_point, float out_scale, int out_zero_point, int out_min, "
      "int out_max";
  define(library, "max_pool2d", "Tensor x, " + window + "int[] dilation, bool ceil_mode");
  define(library, "avg_pool2d",
         "Tensor x, " + window + "bool ceil_mode, bool count_include_pad, int divisor_override, " + params);
  define(library, "adaptive_avg_pool2d", "Tensor x, int[] output_size, " + params);
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&max_pool2d>(library, "max_pool2d");
  implement<&avg_pool2d>(library, "avg_pool2d");
  implement<&adaptive_avg_pool2d>(library, "adaptive_avg_pool2d");
}

}  // namespace
}  // namespace mobilekernels::torch_face
