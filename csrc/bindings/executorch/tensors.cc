#include "bindings/executorch/tensors.h"

#include <executorch/runtime/core/exec_aten/util/tensor_util.h>

#include "ops/check.h"

namespace mobilekernels::executorch_face {
namespace {

// Strides matter in dimensions of more than one value.
bool contiguous(const Tensor& tensor) {
  int64_t expected = 1;
  for (ssize_t d = tensor.dim(); d-- > 0;) {
    if (tensor.size(d) != 1 && tensor.strides()[static_cast<size_t>(d)] != expected) return false;
    expected *= tensor.size(d) > 0 ? tensor.size(d) : 1;
  }
  return true;
}

std::string strides_text(const Tensor& tensor) {
  std::vector<int64_t> strides(tensor.strides().begin(), tensor.strides().end());
  return "strides " + list_text(strides.data(), strides.size()) + " for " + shape_text(tensor);
}

// That a tensor of these strides spans, from its first value on.
size_t span_bytes(const Tensor& tensor) {
  if (tensor.numel() == 0) return 0;
  int64_t last = 0;
  for (ssize_t d = 0; d < tensor.dim(); ++d) {
    last += int64_t{tensor.size(d) - 1} * tensor.strides()[static_cast<size_t>(d)];
  }
  return static_cast<size_t>(last + 1) * static_cast<size_t>(tensor.element_size());
}

}  // namespace

std::string dtype_name(ScalarType dtype) {
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
      return "dtype " + std::to_string(static_cast<int>(dtype));
  }
}

std::string list_text(const int64_t* values, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  return "[" + text + "]";
}

std::string shape_text(const Tensor& tensor) {
  std::vector<int64_t> sizes(tensor.sizes().begin(), tensor.sizes().end());
  return "shape " + list_text(sizes.data(), sizes.size());
}

Status Operands::add(const char* op, const std::string& argument, const Tensor& tensor) {
  const ScalarType dtype = tensor.scalar_type();
  if (dtype != ScalarType::Char && dtype != ScalarType::Float) {
    return type_error(bad_argument(op, argument, dtype_name(dtype), "int8 or float32").message);
  }
  if (tensor.dim() > segment::kMaxDims) {
    return bad_argument(op, argument, shape_text(tensor),
                        "at most " + std::to_string(segment::kMaxDims) + " dimensions");
  }
  if (tensor.numel() > 0 && tensor.const_data_ptr() == nullptr) {
    return bad_argument(op, argument, "a tensor without memory", "one with its data set");
  }
  Operand operand;
  operand.info = {dtype == ScalarType::Char ? Dtype::int8 : Dtype::float32, static_cast<int>(tensor.dim()), {}};
  for (ssize_t d = 0; d < tensor.dim(); ++d) operand.info.sizes[d] = tensor.size(d);
  operand.data = tensor.const_data_ptr();
  if (!contiguous(tensor)) {
    if (operand.info.dtype != Dtype::float32 || tensor.dim() != 4) {
      return bad_argument(op, argument, strides_text(tensor), "a contiguous tensor");
    }
    auto& strides = strides_.emplace_back();
    for (size_t d = 0; d < 4; ++d) strides[d] = tensor.strides()[d];
    operand.strides = strides.data();
  }
  all_.push_back(operand);
  bytes_.push_back(span_bytes(tensor));
  return {};
}

bool Operands::overlap(const void* begin, size_t bytes) const {
  const auto* first = static_cast<const char*>(begin);
  for (size_t i = 0; i < all_.size(); ++i) {
    const auto* data = static_cast<const char*>(all_[i].data);
    if (data < first + bytes && first < data + bytes_[i]) return true;
  }
  return false;
}

Status take_output(const char* op, const std::string& argument, const Operands& operands, const TensorInfo& info,
                   Tensor& out, void** data) {
  const ScalarType dtype = info.dtype == Dtype::int8 ? ScalarType::Char : ScalarType::Float;
  if (out.scalar_type() != dtype) {
    return type_error(bad_argument(op, argument, dtype_name(out.scalar_type()), dtype_name(dtype)).message);
  }
  ::executorch::aten::SizesType sizes[segment::kMaxDims];
  for (int d = 0; d < info.dims; ++d) {
    if (info.sizes[d] > INT32_MAX) {
      return bad_argument(op, argument, "shape " + list_text(info.sizes, static_cast<size_t>(info.dims)),
                          "sizes of at most " + std::to_string(INT32_MAX));
    }
    sizes[d] = static_cast<::executorch::aten::SizesType>(info.sizes[d]);
  }
  const ::executorch::aten::ArrayRef<::executorch::aten::SizesType> wanted(sizes, static_cast<size_t>(info.dims));
  const bool resized =
      out.dim() == info.dims && ::executorch::runtime::resize_tensor(out, wanted) == ::executorch::runtime::Error::Ok;
  if (!resized) {
    return bad_argument(op, argument, shape_text(out) + " (its memory was planned at export)",
                        "shape " + list_text(info.sizes, static_cast<size_t>(info.dims)));
  }
  if (!contiguous(out)) return bad_argument(op, argument, strides_text(out), "a contiguous tensor");
  *data = out.mutable_data_ptr();
  if (out.numel() > 0 && *data == nullptr) {
    return bad_argument(op, argument, "a tensor without memory", "one with its data set");
  }
  if (operands.overlap(*data, out.nbytes())) {
    return bad_argument(op, argument, "memory that an input occupies too",
                        "a tensor that shares no memory with the inputs");
  }
  return {};
}

}  // namespace mobilekernels::executorch_face
