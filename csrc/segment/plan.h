// What a program needs for inputs of given shapes: the shape of every value, where it lies in one block of memory
// (values whose lives do not overlap share bytes), and the scratch memory of the hungriest operator.
#pragma once

#include <vector>

#include "segment/program.h"

namespace mobilekernels::segment {

struct Plan {
  std::vector<TensorInfo> infos;  // of every value
  std::vector<int> root;          // the value whose memory a value lies in: its own, or what it is a view of
  std::vector<int64_t> offsets;   // of roots in the arena; -1: not there (inputs, constants, outputs)
  std::vector<int> output_of;     // which output a root is written to, or -1
  std::vector<char> u8;           // of every value: kept as q + 128
  int64_t arena_bytes = 0;        // a multiple of 64
  size_t workspace_bytes = 0;
  int64_t live_bytes = 0;   // the most that is alive at once: no plan needs less
  int64_t total_bytes = 0;  // of all results, were each to have memory of its own
};

// `operands` are the inputs and constants. Errors name the operator and its argument.
Status make_plan(const Program& program, const std::vector<Operand>& operands, int threads, Plan* plan);

}  // namespace mobilekernels::segment
