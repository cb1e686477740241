// What a run gave, as JSON or as text.
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace runner {

// One call whose operators were timed.
struct Profile {
  double call_microseconds = 0;
  std::vector<OperatorTime> operators;
};

struct Report {
  Options options;
  double load_milliseconds = 0;
  // Plans are made and packed weights checked in there.
  double first_call_microseconds = 0;
  size_t file_bytes = 0;
  size_t planned_bytes = 0;
  size_t memory_before = 0;          // the most that the process had before it opened the file, in bytes
  size_t memory = 0;                 // and after the calls
  std::vector<double> microseconds;  // of each timed call
  Profile profile;                   // if asked for
  std::vector<TensorType> inputs;
  std::vector<Value> outputs;
};

// The most memory the process had, in bytes, those of mapped files included; 0 where the system does not tell.
size_t peak_memory();

std::string to_json(const Report& report);
std::string to_text(const Report& report);

}  // namespace runner
