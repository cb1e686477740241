#include "ops/linear_dynamic.h"

#include "bindings/torch/context.h"
#include "bindings/torch/linear.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

Tensor linear_dynamic(Output out, const Tensor& x, const Tensor& packed, const Tensor& bias, int64_t out_features,
                      bool per_row, bool symmetric, int64_t quant_min, int64_t quant_max, double eps) {
  constexpr const char* kOp = "linear_dynamic";
  LinearDynamicArgs args{};
  read_linear(kOp, x, packed, out_features, &args);
  args.bias = data_of<float>(kOp, "bias", bias, ScalarType::Float);
  if (sizes_of(bias) != Ints{out_features}) {
    fail_value(kOp, "bias", "shape " + list_text(bias.sizes()), list_text(Ints{out_features}));
  }
  args.quantization = {per_row, symmetric, int8_code(kOp, "quant_min", quant_min),
                       int8_code(kOp, "quant_max", quant_max), eps};
  const Tensor y = out.take(kOp, linear_sizes(x, out_features), ScalarType::Float, {&x, &packed, &bias});
  args.out = static_cast<float*>(y.mutable_data_ptr());
  const int threads = thread_count();
  check(kOp, mobilekernels::linear_dynamic(args, make_context(threads, linear_dynamic_workspace(args, threads))));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  define(library, "linear_dynamic",
         "Tensor x, Tensor packed, Tensor bias, int out_features, bool per_row, bool symmetric, int quant_min, "
         "int quant_max, float eps");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) { implement<&linear_dynamic>(library, "linear_dynamic"); }

}  // namespace
}  // namespace mobilekernels::torch_face
