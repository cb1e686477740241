// What the device is, as far as the system tells: nothing here is an error, what cannot be read is left out.
#pragma once

#include <string>
#include <vector>

#include "json.h"

namespace bench {

struct Core {
  int cpu = 0;
  long max_khz = 0;   // 0: not told
  long capacity = 0;  // of cpu_capacity, 1024 for the biggest core; 0: not told
  std::string governor;
  std::string implementer, part;  // ARM: MIDR fields of /proc/cpuinfo
};

struct Device {
  std::string architecture;  // uname -m
  std::string system;
  std::string model;  // of the processor or the board
  std::vector<Core> cores;
  std::vector<std::string> features;
  void write(Json& json) const;
};

struct Zone {
  std::string name;
  double celsius;
};

Device read_device();
std::vector<Zone> read_temperatures();

// The CPUs that `pin` means: "none" (empty), "big", "little", or numbers such as "0-3,6". Big cores are those of the
// greatest capacity (or frequency), little ones those of the least. UsageError where it means none of this device.
std::vector<int> cpus_of(const std::string& pin, const Device& device);
// This thread, and those it starts.
void pin_to(const std::vector<int>& cpus);

}  // namespace bench
