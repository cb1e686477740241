// A segment as text: a graph of operators that runs from one call. It travels as a string argument of the op
// mobilekernels::segment, so that every exporter carries it, and a reader of the graph can read it.
//
//   segment 1                          format version
//   inputs 1                           values 0 ... are the segment's inputs,
//   constants 2                        then come its constants (packed weights, tables),
//   quantize_nhwc 0 : 0.018 -14        then each line's result, in order: <op> <values> : <numbers>
//   conv2d 3 1 : 32 [3,3] [2,2] [0,1,0,1] [1,1] 1 -14 -128 -128 127  # stem
//   outputs 4                          the last line
//
// A # and what follows it on a line is a label, for readers.
// Numbers are the operator's arguments in the order of its schema; brackets and commas are for the reader.
#pragma once

#include <string>
#include <vector>

#include "segment/op.h"

namespace mobilekernels::segment {

struct Node {
  const OpDef* op;
  std::vector<int> inputs;  // values
  std::vector<double> numbers;
};

struct Program {
  int inputs = 0;
  int constants = 0;
  std::vector<Node> nodes;  // node i makes value inputs + constants + i
  std::vector<int> outputs;

  int first_result() const { return inputs + constants; }
  int values() const { return first_result() + static_cast<int>(nodes.size()); }
};

// A format_error tells the line.
Status parse_program(const std::string& text, Program* program);

}  // namespace mobilekernels::segment
