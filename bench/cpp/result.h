// What a run found out, as JSON and as a table.
#pragma once

#include <string>
#include <vector>

#include "cases.h"
#include "device.h"
#include "measure.h"
#include "options.h"

namespace bench {

struct Result {
  Device device;
  std::vector<int> pinned;
  std::vector<Zone> before, after;
  std::vector<Times> times;  // empty without timing
};

std::string to_json(const Options& options, const std::vector<Case>& cases, const Result& result);
std::string to_table(const std::vector<Case>& cases, const Result& result);

}  // namespace bench
