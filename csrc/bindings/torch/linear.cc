#include "ops/linear.h"

#include "bindings/torch/context.h"
#include "bindings/torch/linear.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

LinearArgs common(const char* op, const Tensor& x, const Tensor& packed, int64_t out_features, int64_t x_zero_point) {
  LinearArgs args{};
  read_linear(op, x, packed, out_features, &args);
  args.x_zero_point = int8_code(op, "x_zero_point", x_zero_point);
  return args;
}

void run(const char* op, const LinearArgs& args) {
  const int threads = thread_count();
  check(op, mobilekernels::linear(args, make_context(threads, linear_workspace(args, threads))));
}

Tensor linear(Output out, const Tensor& x, const Tensor& packed, int64_t out_features, int64_t x_zero_point,
              int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  constexpr const char* kOp = "linear";
  LinearArgs args = common(kOp, x, packed, out_features, x_zero_point);
  args.output = output_range(kOp, out_zero_point, out_min, out_max);
  const Tensor y = out.take(kOp, linear_sizes(x, out_features), ScalarType::Char, {&x, &packed});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  run(kOp, args);
  return y;
}

Tensor linear_float(Output out, const Tensor& x, const Tensor& packed, int64_t out_features, int64_t x_zero_point) {
  constexpr const char* kOp = "linear_float";
  LinearArgs args = common(kOp, x, packed, out_features, x_zero_point);
  const Tensor y = out.take(kOp, linear_sizes(x, out_features), ScalarType::Float, {&x, &packed});
  args.out_float = static_cast<float*>(y.mutable_data_ptr());
  run(kOp, args);
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  const std::string shared = "Tensor x, Tensor packed, int out_features, int x_zero_point";
  define(library, "linear", shared + ", int out_zero_point, int out_min, int out_max");
  define(library, "linear_float", shared);
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&linear>(library, "linear");
  implement<&linear_float>(library, "linear_float");
}

}  // namespace
}  // namespace mobilekernels::torch_face
