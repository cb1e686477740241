// The command line.
#pragma once

#include <string>

#include "measure.h"

namespace bench {

enum class Mode { time, check, mark, peak };

struct Options {
  std::string layers;
  int threads = 1;
  Schedule schedule;
  std::string isa;  // cap of the instruction set; empty: none
  std::string pin = "none";
  Mode mode = Mode::time;
  std::string json;  // a file, or "-" for standard output; empty: a table
};

extern const char* const kUsage;
// UsageError names the option, what was given and what is accepted.
Options parse_options(int argc, char** argv);

}  // namespace bench
