#include "ops/unary.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

Tensor quantize(Output out, const Tensor& x, double scale, int64_t zero_point) {
  constexpr const char* kOp = "quantize";
  const auto* data = data_of<float>(kOp, "x", x, ScalarType::Float);
  const int32_t zero = int8_code(kOp, "zero_point", zero_point);
  const Tensor y = out.take(kOp, sizes_of(x), ScalarType::Char, {&x});
  check(kOp, mobilekernels::quantize(data, x.numel(), scale, zero, static_cast<int8_t*>(y.mutable_data_ptr()),
                                     make_context()));
  return y;
}

Tensor dequantize(Output out, const Tensor& x, double scale, int64_t zero_point) {
  constexpr const char* kOp = "dequantize";
  const int8_t* data = int8_data(kOp, "x", x);
  const int32_t zero = int8_code(kOp, "zero_point", zero_point);
  const Tensor y = out.take(kOp, sizes_of(x), ScalarType::Float, {&x});
  check(kOp, mobilekernels::dequantize(data, x.numel(), scale, zero, static_cast<float*>(y.mutable_data_ptr()),
                                       make_context()));
  return y;
}

// The one op that reads any strides: a model's input is NCHW or channels_last, and neither should cost a copy.
Tensor quantize_nhwc(Output out, const Tensor& x, double scale, int64_t zero_point) {
  constexpr const char* kOp = "quantize_nhwc";
  check_cpu(kOp, "x", x);
  check_dtype(kOp, "x", x, ScalarType::Float);
  check_rank(kOp, "x", x, 4, "[N, C, H, W]");
  const Shape4 shape{x.size(0), x.size(2), x.size(3), x.size(1)};
  const auto strides = x.strides();
  const int32_t zero = int8_code(kOp, "zero_point", zero_point);
  const Tensor y = out.take(kOp, image_sizes(shape), ScalarType::Char, {&x});
  check(kOp, mobilekernels::quantize_nhwc(static_cast<const float*>(x.const_data_ptr()), shape, strides.data(), scale,
                                          zero, static_cast<int8_t*>(y.mutable_data_ptr()), make_context()));
  return y;
}

Tensor dequantize_nchw(Output out, const Tensor& x, double scale, int64_t zero_point) {
  constexpr const char* kOp = "dequantize_nchw";
  const int8_t* data = int8_data(kOp, "x", x);
  const Shape4 shape = image_shape(kOp, "x", x);
  const int32_t zero = int8_code(kOp, "zero_point", zero_point);
  const Tensor y = out.take(kOp, {shape.n, shape.c, shape.h, shape.w}, ScalarType::Float, {&x});
  check(kOp, mobilekernels::dequantize_nchw(data, shape, scale, zero, static_cast<float*>(y.mutable_data_ptr()),
                                            make_context()));
  return y;
}

Tensor lut(Output out, const Tensor& x, const Tensor& table) {
  constexpr const char* kOp = "lut";
  const int8_t* data = int8_data(kOp, "x", x);
  const int8_t* entries = int8_data(kOp, "table", table);
  if (sizes_of(table) != Ints{256}) fail_value(kOp, "table", "shape " + list_text(table.sizes()), "[256]");
  const Tensor y = out.take(kOp, sizes_of(x), ScalarType::Char, {&x, &table});
  check(kOp, mobilekernels::lut(data, x.numel(), entries, static_cast<int8_t*>(y.mutable_data_ptr()), make_context()));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  for (const char* name : {"quantize", "quantize_nhwc", "dequantize", "dequantize_nchw"}) {
    define(library, name, "Tensor x, float scale, int zero_point");
  }
  define(library, "lut", "Tensor x, Tensor table");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&quantize>(library, "quantize");
  implement<&quantize_nhwc>(library, "quantize_nhwc");
  implement<&dequantize>(library, "dequantize");
  implement<&dequantize_nchw>(library, "dequantize_nchw");
  implement<&lut>(library, "lut");
}

}  // namespace
}  // namespace mobilekernels::torch_face
