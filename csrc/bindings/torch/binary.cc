#include "ops/binary.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

// add and mul differ in their arithmetic alone.
struct BinaryOp {
  const char* name;
  Status (*run)(const BinaryArgs& args, const Context& context);
};

constexpr BinaryOp kAdd{"add", mobilekernels::add};
constexpr BinaryOp kMul{"mul", mobilekernels::mul};

template <const BinaryOp& op>
Tensor binary(Output out, const Tensor& a, const Tensor& b, double a_scale, int64_t a_zero_point, double b_scale,
              int64_t b_zero_point, double out_scale, int64_t out_zero_point, int64_t out_min, int64_t out_max) {
  BinaryArgs args{};
  args.a = {int8_data(op.name, "a", a), a.sizes().data(), static_cast<int>(a.dim()), a_scale,
            int8_code(op.name, "a_zero_point", a_zero_point)};
  args.b = {int8_data(op.name, "b", b), b.sizes().data(), static_cast<int>(b.dim()), b_scale,
            int8_code(op.name, "b_zero_point", b_zero_point)};
  // binary_output_shape writes as many sizes as an operand may have.
  const auto check_dims = [](const char* argument, const Tensor& operand) {
    if (operand.dim() > kMaxBinaryDims) {
      fail_value(op.name, argument, "shape " + list_text(operand.sizes()),
                 "at most " + std::to_string(kMaxBinaryDims) + " dimensions");
    }
  };
  check_dims("a", a);
  check_dims("b", b);
  args.out_scale = out_scale;
  args.output = output_range(op.name, out_zero_point, out_min, out_max);
  int64_t sizes[kMaxBinaryDims];
  int dims = 0;
  check(op.name, binary_output_shape(args.a, args.b, sizes, &dims));
  const Tensor y = out.take(op.name, Ints(sizes, sizes + dims), ScalarType::Char, {&a, &b});
  args.out = static_cast<int8_t*>(y.mutable_data_ptr());
  check(op.name, op.run(args, make_context()));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  const std::string arguments =
      "Tensor a, Tensor b, float a_scale, int a_zero_point, float b_scale, int b_zero_point, "
      "float out_scale, int out_zero_point, int out_min, int out_max";
  define(library, kAdd.name, arguments);
  define(library, kMul.name, arguments);
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&binary<kAdd>>(library, kAdd.name);
  implement<&binary<kMul>>(library, kMul.name);
}

}  // namespace
}  // namespace mobilekernels::torch_face
