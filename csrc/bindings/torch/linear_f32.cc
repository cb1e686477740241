#include "ops/linear_f32.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"
#include "bindings/torch/packed.h"

namespace mobilekernels::torch_face {
namespace {

Tensor linear_f32(Output out, const Tensor& x, const Tensor& packed, int64_t out_features, double out_min,
                  double out_max) {
  constexpr const char* kOp = "linear_f32";
  LinearF32Args args{};
  args.x = data_of<float>(kOp, "x", x, ScalarType::Float);
  if (x.dim() < 1) fail_value(kOp, "x", "shape []", "[..., in_features]");
  Ints sizes = sizes_of(x);
  args.in_features = sizes.back();
  args.rows = 1;
  for (size_t d = 0; d + 1 < sizes.size(); ++d) args.rows *= sizes[d];
  args.packed = int8_data(kOp, "packed", packed);
  args.packed_bytes = static_cast<size_t>(packed.numel());
  args.out_features = out_features;
  args.lo = static_cast<float>(out_min);
  args.hi = static_cast<float>(out_max);
  check_out_channels(kOp, "out_features", out_features, args.packed, args.packed_bytes);
  sizes.back() = out_features;
  const Tensor y = out.take(kOp, sizes, ScalarType::Float, {&x, &packed});
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
