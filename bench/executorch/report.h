// What a run gave, as JSON or as text.
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace runner {

struct Report {
  Options options;
  double load_milliseconds = 0;
  size_t file_bytes = 0;
  size_t planned_bytes = 0;
  std::vector<double> microseconds;     // of each timed call
  std::vector<OperatorTime> operators;  // of one call, if asked for
  std::vector<Value> outputs;
};

// The most memory the process had, in bytes, those of mapped files included; 0 where the system does not tell.
size_t peak_memory();

std::string to_json(const Report& report);
std::string to_text(const Report& report);

}  // namespace runner
