#include "ops/linear_dynamic.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"
#include "bindings/torch/packed.h"

namespace mobilekernels::torch_face {
namespace {

Tensor linear_dynamic(Output out, const Tensor& x, const Tensor& packed, const Tensor& bias, int64_t out_features,
                      bool per_row, bool symmetric, int64_t quant_min, int64_t quant_max, double eps) {
  constexpr const char* kOp = "linear_dynamic";
  LinearDynamicArgs args{};
  args.x = data_of<float>(kOp, "x", x, ScalarType::Float);
  if (x.dim() < 1) fail_value(kOp, "x", "shape []", "[..., in_features]");
  Ints sizes = sizes_of(x);
  args.in_features = sizes.back();
  args.rows = 1;
  for (size_t d = 0; d + 1 < sizes.size(); ++d) args.rows *= sizes[d];
  args.packed = int8_data(kOp, "packed", packed);
  args.packed_bytes = static_cast<size_t>(packed.numel());
  args.out_features = out_features;
  check_out_channels(kOp, "out_features", out_features, args.packed, args.packed_bytes);
  args.bias = data_of<float>(kOp, "bias", bias, ScalarType::Float);
  if (sizes_of(bias) != Ints{out_features}) {
    fail_value(kOp, "bias", "shape " + list_text(bias.sizes()), list_text(Ints{out_features}));
  }
  args.quantization = {per_row, symmetric, int8_code(kOp, "quant_min", quant_min),
                       int8_code(kOp, "quant_max", quant_max), eps};
  sizes.back() = out_features;
  const Tensor y = out.take(kOp, sizes, ScalarType::Float, {&x, &packed, &bias});
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
