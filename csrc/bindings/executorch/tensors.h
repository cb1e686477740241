// ExecuTorch's tensors as operands of the core, and where a result goes.
#pragma once

#include <executorch/runtime/core/exec_aten/exec_aten.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "segment/op.h"

namespace mobilekernels::executorch_face {

using ::executorch::aten::ScalarType;
using ::executorch::aten::Tensor;
using segment::Dtype;
using segment::Operand;
using segment::TensorInfo;

// As Python spells it, where it has a short name.
std::string dtype_name(ScalarType dtype);
std::string list_text(const int64_t* values, size_t count);
std::string shape_text(const Tensor& tensor);

// The operands of one call. Tensors here have sizes and strides of 32 bits: operands point to strides kept beside them.
class Operands {
 public:
  // int8 or float32, at most kMaxDims dimensions, contiguous; float images may have any strides.
  Status add(const char* op, const std::string& argument, const Tensor& tensor);

  const std::vector<Operand>& all() const { return all_; }
  // Memory that [begin, end) shares with an operand; null: none does.
  bool overlap(const void* begin, size_t bytes) const;

 private:
  std::vector<Operand> all_;
  std::deque<std::array<int64_t, 4>> strides_;  // stay where they are
  std::vector<size_t> bytes_;                   // that each spans
};

// Makes `out` a contiguous tensor of that shape, within the memory that was planned for it, which shares none with the
// operands. *data is where the result goes.
Status take_output(const char* op, const std::string& argument, const Operands& operands, const TensorInfo& info,
                   Tensor& out, void** data);

}  // namespace mobilekernels::executorch_face
