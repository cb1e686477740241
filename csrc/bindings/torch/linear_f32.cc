#include "ops/linear_f32.h"

#include "bindings/torch/context.h"
#include "bindings/torch/linear.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

Tensor linear_f32(Output out, const Tensor& x, const Tensor& packed, int64_t out_features, double out_min,
                  double out_max) {
  constexpr const char* kOp = "linear_f32";
  LinearF32Args args{};
  read_linear(kOp, x, packed, out_features, &args);
  args.lo = static_cast<float>(out_min);
  args.hi = static_cast<float>(out_max);
  const Tensor y = out.take(kOp, linear_sizes(x, out_features), ScalarType::Float, {&x, &packed});
  args.out = static_cast<float*>(y.mutable_data_ptr());
  const int threads = thread_count();
  check(kOp, mobilekernels::linear_f32(args, make_context(threads, linear_f32_workspace(args, threads))));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  define(library, "linear_f32", "Tensor x, Tensor packed, int out_features, float out_min, float out_max");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) { implement<&linear_f32>(library, "linear_f32"); }

}  // namespace
}  // namespace mobilekernels::torch_face
