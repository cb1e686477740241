// A kernel's values, read by its signature: tensors become operands, all else numbers in the order of the schema, as
// segment/op.h has them. Values come from a file: each is checked before it is read.
#pragma once

#include <executorch/runtime/core/evalue.h>
#include <executorch/runtime/core/span.h>

#include <vector>

#include "bindings/executorch/signature.h"
#include "bindings/executorch/tensors.h"

namespace mobilekernels::executorch_face {

using ::executorch::runtime::EValue;
// Of one call: its arguments, where its result goes, and what it returns (the same again, which nothing reads).
using Stack = ::executorch::runtime::Span<EValue*>;

struct Arguments {
  Operands operands;
  std::vector<double> numbers;
};

Status read_arguments(const Signature& signature, Stack stack, Arguments* arguments);

// A value of a call that has to be a tensor, a list of them, a text. Errors name it.
Status read_tensor(const char* op, const std::string& argument, EValue* value, Tensor** tensor);
Status read_tensors(const char* op, const std::string& argument, EValue* value,
                    ::executorch::aten::ArrayRef<Tensor>* tensors);
Status read_text(const char* op, const std::string& argument, EValue* value, std::string* text);

// At least `arguments` values and an output.
Status check_count(const char* op, Stack stack, size_t arguments);

}  // namespace mobilekernels::executorch_face
