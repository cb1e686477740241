// What bounds a layer on this machine: the rate of int8 products in registers, and of reads from memory.
#pragma once

#include <string>

namespace bench {

struct Peak {
  std::string instruction;     // the dot product that was run; empty where this program has none for the CPU
  double gmacs = 0.0;          // 10^9 multiply-accumulates a second, one thread
  double memory_gbytes = 0.0;  // 10^9 bytes a second read from memory, one thread
};

Peak measure_peak();

std::string to_json(const Peak& peak);

}  // namespace bench
