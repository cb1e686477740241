#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/python/arrays.h"
#include "bindings/python/face.h"
#include "segment/plan.h"
#include "segment/times.h"

namespace mobilekernels::python_face {
namespace {

using segment::Dtype;
using segment::Operand;

// What a segment needs for inputs and constants of these dtypes ("int8" or "float32") and shapes.
py::dict segment_memory(const std::string& text,
                        const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors, int threads) {
  std::vector<Operand> operands;
  for (const auto& [dtype, shape] : tensors) {
    if (shape.size() > static_cast<size_t>(segment::kMaxDims) || (dtype != "int8" && dtype != "float32")) {
      throw py::value_error("segment_memory: tensors: given " + dtype + " of " + std::to_string(shape.size()) +
                            " dimensions, accepted int8 or float32 of at most " + std::to_string(segment::kMaxDims));
    }
    Operand operand;
    operand.info = {dtype == "int8" ? Dtype::int8 : Dtype::float32, static_cast<int>(shape.size()), {}};
    std::copy(shape.begin(), shape.end(), operand.info.sizes);
    operands.push_back(operand);
  }
  segment::Program program;
  check(parse_program(text, &program));
  if (operands.size() != static_cast<size_t>(program.first_result())) {
    throw py::value_error("segment_memory: tensors: given " + std::to_string(operands.size()) + ", accepted " +
                          std::to_string(program.first_result()));
  }
  segment::Plan plan;
  check(make_plan(program, operands, threads, &plan));
  py::dict memory;
  memory["arena"] = plan.arena_bytes;
  memory["live"] = plan.live_bytes;
  memory["total"] = plan.total_bytes;
  memory["workspace"] = plan.workspace_bytes;
  return memory;
}

// [(program, nanoseconds, [(node, nanoseconds), ...]), ...]
py::list stop_recording() {
  py::list calls;
  for (const segment::SegmentTimes& times : segment::stop_recording()) {
    py::list operators;
    for (const segment::OperatorTime& time : times.operators) {
      operators.append(py::make_tuple(time.node, time.nanoseconds));
    }
    calls.append(py::make_tuple(times.program, times.nanoseconds, operators));
  }
  return calls;
}

}  // namespace

void bind_segment(py::module_& module) {
  module.def("segment_memory", &segment_memory, py::arg("program"), py::arg("tensors"), py::arg("threads"),
             "Bytes that a segment needs: arena, the most alive at once, all results together, workspace");
  module.def("start_segment_recording", &segment::start_recording,
             "From now on each segment that this thread runs leaves the times of its operators");
  module.def("stop_segment_recording", &stop_recording,
             "What was recorded: (program, nanoseconds, [(node, nanoseconds), ...]) for each call");
}

}  // namespace mobilekernels::python_face
