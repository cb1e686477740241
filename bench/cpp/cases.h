// A layer of the list made ready to run: its data, and a call of its operator.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layer_list.h"
#include "memory.h"
#include "runtime/context.h"
#include "runtime/status.h"

namespace bench {

struct Case {
  std::string where, name, op;
  // The ISA of the kernel that runs it; "none" for moves, which have no kernel.
  std::string isa;
  int64_t macs = 0;  // multiply-accumulates; 0 but for convolutions and linear layers
  std::vector<Buffer> inputs;
  Buffer weights;  // packed weights, or a table
  Buffer out;
  std::function<size_t(int threads)> workspace = [](int) { return size_t{0}; };
  std::function<mobilekernels::Status(const mobilekernels::Context&)> run;

  size_t input_bytes() const {
    size_t bytes = 0;
    for (const Buffer& input : inputs) bytes += input.bytes();
    return bytes;
  }
};

// Inputs, weights and quantization parameters depend on nothing but the operator and its keys, so the output's bytes
// are the same on every machine.
Case make_case(const Layer& layer);

}  // namespace bench
