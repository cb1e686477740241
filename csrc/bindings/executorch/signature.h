// What an op takes, as text in the manner of its schema: "int8 x, int8 packed, int out_channels, int[2] kernel_size".
// ExecuTorch hands a kernel untyped values from a file: a signature says what each has to be, and how it is called.
#pragma once

#include <string>
#include <vector>

namespace mobilekernels::executorch_face {

// Tensors of int8 or float32, a list of int8 tensors, numbers, lists of numbers.
enum class Kind { int8_tensor, float32_tensor, int8_tensors, integer, real, boolean, integers, reals };

struct Parameter {
  Kind kind;
  std::string name;
  size_t length;  // of a list; 0: any
};

struct Signature {
  std::string op;        // "conv2d"
  std::string overload;  // "mobilekernels::conv2d.out"
  std::vector<Parameter> parameters;
};

// `parts` are joined. A text that cannot be read is a bug of this library: std::logic_error.
Signature make_signature(const std::string& op, const std::vector<std::string>& parts);

}  // namespace mobilekernels::executorch_face
