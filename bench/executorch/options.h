// The command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runner {

// A file of raw values, in the order of the method's inputs.
struct Input {
  std::string path;
  std::vector<int32_t> sizes;  // empty: those of the program, and the batch that the file has
};

struct Options {
  std::vector<std::string> models;  // more than one with --check alone
  std::vector<Input> inputs;        // fewer than the method has: zeros
  std::vector<std::string> outputs;
  std::string method = "forward";
  int repeat = 1;
  int warmup = 0;
  int threads = 1;
  bool profile = false;
  bool check = false;
  bool unsealed = false;
  bool json = false;
};

extern const char* const kUsage;
// bench::UsageError names the option, what was given and what is accepted.
Options parse_options(int argc, char** argv);

}  // namespace runner
