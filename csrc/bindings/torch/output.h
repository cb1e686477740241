// Where a result goes, and the two overloads that every op has. An op is written once, as
//   Tensor op(Output out, <arguments of the schema>)
// and Overloads<op> makes the functional form (a new tensor) and the `.out` form (the caller's) of it.
#pragma once

#include <torch/csrc/stable/library.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/torch/arguments.h"

namespace mobilekernels::torch_face {

class Output {
 public:
  Output() = default;
  explicit Output(const Tensor& given) : given_(&given) {}

  // A new contiguous tensor, or the caller's after checking that it is just that and shares no memory with what the
  // op reads: nothing is resized.
  template <size_t count>
  Tensor take(const char* op, const Ints& sizes, ScalarType dtype, const Tensor* const (&inputs)[count]) const {
    return take(op, sizes, dtype, inputs, count);
  }

  Tensor take(const char* op, const Ints& sizes, ScalarType dtype, const Tensor* const* inputs, size_t count) const {
    if (given_ == nullptr) return allocate(op, sizes, dtype);
    check_cpu(op, "out", *given_);
    check_dtype(op, "out", *given_, dtype);
    if (sizes_of(*given_) != sizes) fail_value(op, "out", "shape " + list_text(given_->sizes()), list_text(sizes));
    check_tensor(op, "out", *given_, dtype);
    for (size_t i = 0; i < count; ++i) check_apart(op, *inputs[i]);
    return *given_;
  }

 private:
  // The shim's function and not `aten::empty`: a trip through the dispatcher costs more than a small op.
  static Tensor allocate(const char* op, const Ints& sizes, ScalarType dtype) {
    Ints strides(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0;) {
      strides[i] = stride;
      if (__builtin_mul_overflow(stride, sizes[i] > 0 ? sizes[i] : 1, &stride)) {
        fail_value(op, "out", "shape " + list_text(sizes), "fewer than 2^63 values");
      }
    }
    AtenTensorHandle handle = nullptr;
    const int32_t code = dtype == ScalarType::Float ? aoti_torch_dtype_float32() : aoti_torch_dtype_int8();
    // Not STABLE_TORCH_ERROR_CODE_CHECK: torch 2.10 has no such macro, and TORCH_ERROR_CODE_CHECK does not say why.
    if (aoti_torch_empty_strided(static_cast<int64_t>(sizes.size()), sizes.data(), strides.data(), code,
                                 aoti_torch_device_type_cpu(), 0, &handle) != TORCH_SUCCESS) {
      throw std::runtime_error(std::string(op) + ": out: PyTorch cannot allocate shape " + list_text(sizes));
    }
    return Tensor(handle);
  }

  // `input` may have any strides: what it spans counts.
  void check_apart(const char* op, const Tensor& input) const {
    if (input.numel() == 0 || given_->numel() == 0) return;
    int64_t last = 0;
    for (int64_t d = 0; d < input.dim(); ++d) last += (input.size(d) - 1) * input.stride(d);
    const auto* in = static_cast<const char*>(input.const_data_ptr());
    const auto* in_end = in + (last + 1) * static_cast<int64_t>(input.element_size());
    const auto* out = static_cast<const char*>(given_->const_data_ptr());
    const auto* out_end = out + given_->numel() * static_cast<int64_t>(given_->element_size());
    if (in < out_end && out < in_end) {
      fail_value(op, "out", "memory that an input occupies too", "a tensor that shares no memory with the inputs");
    }
  }

  const Tensor* given_ = nullptr;
};

template <auto function>
struct Overloads;

template <typename... Args, Tensor (*function)(Output, Args...)>
struct Overloads<function> {
  static Tensor functional(Args... args) { return function(Output(), std::forward<Args>(args)...); }
  static Tensor out(Args... args, const Tensor& out) { return function(Output(out), std::forward<Args>(args)...); }
};

using Library = torch::stable::detail::StableLibrary;

inline void define(Library& library, const std::string& name, const std::string& arguments) {
  library.def((name + "(" + arguments + ") -> Tensor").c_str());
  library.def((name + ".out(" + arguments + ", *, Tensor(a!) out) -> Tensor(a!)").c_str());
}

template <auto function>
void implement(Library& library, const std::string& name) {
  library.impl(name.c_str(), TORCH_BOX(&Overloads<function>::functional));
  library.impl((name + ".out").c_str(), TORCH_BOX(&Overloads<function>::out));
}

}  // namespace mobilekernels::torch_face
