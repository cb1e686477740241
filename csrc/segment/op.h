// The operators a segment is made of: each one of csrc/ops behind one uniform face, so that what runs a program needs
// to know none of them. A new operator is a file op_<name>.cc with an OpDef, and a line in op.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "ops/args.h"

namespace mobilekernels::segment {

enum class Dtype : uint8_t { int8, float32 };
constexpr size_t size_of(Dtype dtype) { return dtype == Dtype::int8 ? 1 : 4; }

constexpr int kMaxDims = 6;

struct TensorInfo {
  Dtype dtype;
  int dims;
  int64_t sizes[kMaxDims];

  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < dims; ++i) n *= sizes[i];
    return n;
  }
  int64_t bytes() const { return count() * static_cast<int64_t>(size_of(dtype)); }
};

struct Operand {
  TensorInfo info;
  const int64_t* strides = nullptr;  // null: contiguous. Only inputs of the whole segment have any
  const void* data = nullptr;        // only run_session reads it
  bool u8 = false;                   // codes are kept as q + 128 (uint8): see OpDef::reads_u8
};

// One operator with what it works on: shapes, no data. `numbers` are its arguments that are no tensors, in the order of
// its schema (docs/design.md), lists flattened.
struct Call {
  const char* op;
  const Operand* inputs;
  int inputs_count;
  const double* numbers;
  int numbers_count;
  bool out_u8 = false;
};

// Where an operator's input lies in one call.
struct Source {
  const void* data;
  const int64_t* strides;  // as Operand has them
};

// An operator with its arguments read: once a session, not once a call. Many threads may run one at once.
using Runner = std::function<Status(const Source* inputs, void* out, const Context& context)>;

struct OpDef {
  const char* name;
  // What comes out, or an error that names the argument.
  Status (*infer)(const Call& call, TensorInfo* out);
  // Null: none is needed.
  size_t (*workspace)(const Call& call, int threads);
  // Null: the result is the first input's memory under another shape. `out` is what infer said.
  Status (*prepare)(const Call& call, const TensorInfo& out, Runner* runner);
  // May input i, may the result be kept as q + 128 (uint8)? On the kernels chosen now that is the faster way;
  // everything else about the value stays as for int8. Null: no.
  bool (*reads_u8)(const Call& call, int i) = nullptr;
  bool (*writes_u8)(const Call& call) = nullptr;
};

// Null where there is no such operator.
const OpDef* find_op(const std::string& name);

}  // namespace mobilekernels::segment
