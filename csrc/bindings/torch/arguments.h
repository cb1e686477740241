// Checks of what the dispatcher hands over, before any pointer is taken: each failure names the op, the argument,
// what was given and what is accepted. What an operator can judge for itself (scales, windows, packed weights)
// is left to it.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bindings/torch/error.h"
#include "ops/args.h"

namespace mobilekernels::torch_face {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using Ints = std::vector<int64_t>;

// As Python spells it, where it has a short name.
inline std::string dtype_name(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::Char:
      return "int8";
    case ScalarType::Byte:
      return "uint8";
    case ScalarType::Float:
      return "float32";
    case ScalarType::Double:
      return "float64";
    case ScalarType::Int:
      return "int32";
    case ScalarType::Long:
      return "int64";
    default:
      return torch::headeronly::toString(dtype);
  }
}

template <typename Values>
std::string list_text(const Values& values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

inline Ints sizes_of(const Tensor& tensor) {
  const auto sizes = tensor.sizes();
  return Ints(sizes.begin(), sizes.end());
}

inline void check_cpu(const char* op, const char* argument, const Tensor& tensor) {
  if (!tensor.is_cpu()) fail_value(op, argument, "a tensor on another device", "a CPU tensor");
}

inline void check_dtype(const char* op, const char* argument, const Tensor& tensor, ScalarType dtype) {
  if (tensor.scalar_type() != dtype) fail_type(op, argument, dtype_name(tensor.scalar_type()), dtype_name(dtype));
}

inline void check_rank(const char* op, const char* argument, const Tensor& tensor, int64_t rank, const char* layout) {
  if (tensor.dim() != rank) {
    fail_value(op, argument, "shape " + list_text(tensor.sizes()), std::to_string(rank) + " dimensions, " + layout);
  }
}

// A tensor as the operators read it: on the CPU, of this type, contiguous. No copy is made for the caller.
inline void check_tensor(const char* op, const char* argument, const Tensor& tensor, ScalarType dtype) {
  check_cpu(op, argument, tensor);
  check_dtype(op, argument, tensor, dtype);
  if (!tensor.is_contiguous()) {
    fail_value(op, argument, "strides " + list_text(tensor.strides()) + " for shape " + list_text(tensor.sizes()),
               "a contiguous tensor (images are [N, H, W, C])");
  }
}

template <typename T>
const T* data_of(const char* op, const char* argument, const Tensor& tensor, ScalarType dtype) {
  check_tensor(op, argument, tensor, dtype);
  return static_cast<const T*>(tensor.const_data_ptr());
}

inline const int8_t* int8_data(const char* op, const char* argument, const Tensor& tensor) {
  return data_of<int8_t>(op, argument, tensor, ScalarType::Char);
}

// [N, H, W, C]
inline Shape4 image_shape(const char* op, const char* argument, const Tensor& tensor) {
  check_rank(op, argument, tensor, 4, "[N, H, W, C]");
  const auto sizes = tensor.sizes();
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

inline Ints image_sizes(const Shape4& shape) { return {shape.n, shape.h, shape.w, shape.c}; }

inline void check_length(const char* op, const char* argument, const Ints& values, size_t length, const char* order) {
  if (values.size() != length) {
    fail_value(op, argument, list_text(values), std::to_string(length) + " values, " + order);
  }
}

// The operators hold codes and zero points in 32 bits; the schema has 64.
inline int32_t int8_code(const char* op, const char* argument, int64_t value) {
  if (value < -128 || value > 127) fail_value(op, argument, std::to_string(value), "-128 to 127");
  return static_cast<int32_t>(value);
}

inline OutputRange output_range(const char* op, int64_t zero_point, int64_t lo, int64_t hi,
                                const char* zero_point_name = "out_zero_point", const char* lo_name = "out_min",
                                const char* hi_name = "out_max") {
  const OutputRange range{int8_code(op, zero_point_name, zero_point), int8_code(op, lo_name, lo),
                          int8_code(op, hi_name, hi)};
  if (range.lo > range.hi) {
    fail_value(op, lo_name, std::to_string(lo) + " with " + hi_name + " " + std::to_string(hi),
               "at most " + std::string(hi_name));
  }
  return range;
}

inline QParams qparams(const char* op, double scale, const char* zero_point_name, int64_t zero_point) {
  return {scale, int8_code(op, zero_point_name, zero_point)};
}

inline Window window(const char* op, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                     const Ints& dilation) {
  check_length(op, "kernel_size", kernel_size, 2, "(height, width)");
  check_length(op, "stride", stride, 2, "(height, width)");
  check_length(op, "padding", padding, 4, "(top, bottom, left, right)");
  check_length(op, "dilation", dilation, 2, "(height, width)");
  return {kernel_size[0], kernel_size[1], stride[0],  stride[1],   padding[0],
          padding[1],     padding[2],     padding[3], dilation[0], dilation[1]};
}

}  // namespace mobilekernels::torch_face
