#include "device.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "error.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace bench {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu/cpu";

// Features that matter to int8 kernels; a whole list of flags says less.
constexpr const char* kFeatures[] = {"neon", "asimd",       "asimddp",  "i8mm",    "asimdhp",
                                     "fphp", "sve",         "sve2",     "bf16",    "sme",
                                     "avx2", "avx512_vnni", "avx_vnni", "avx512f", "amx_int8"};

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  // /proc/device-tree ends its strings with a zero.
  return line.substr(0, line.find_last_not_of(std::string(" \r\t\0", 4)) + 1);
}

long number_in(const std::string& path) {
  const std::string line = first_line(path);
  return line.empty() ? 0 : std::strtol(line.c_str(), nullptr, 10);
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void read_features(const std::string& line, Device* device) {
  std::istringstream words(line);
  device->features.clear();
  for (std::string word; words >> word;) {
    if (std::find(std::begin(kFeatures), std::end(kFeatures), word) != std::end(kFeatures)) {
      device->features.push_back(word);
    }
  }
}

void read_cpuinfo(Device* device) {
  std::ifstream file("/proc/cpuinfo");
  const bool arm = device->architecture.rfind("arm", 0) == 0 || device->architecture == "aarch64";
  int cpu = 0;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    // An emulator shows the file of the machine that it runs on.
    if (arm && key == "vendor_id") {
      device->model.clear();
      return;
    }
    if (key == "processor" && value.find_first_not_of("0123456789") == std::string::npos)
      cpu = std::atoi(value.c_str());
    if (key == "model name" || key == "Hardware") device->model = value;
    if (key == "flags" || key == "Features") read_features(value, device);
    for (Core& core : device->cores) {
      if (core.cpu != cpu) continue;
      if (key == "CPU implementer") core.implementer = value;
      if (key == "CPU part") core.part = value;
    }
  }
}

long rank_of(const Core& core) { return core.capacity != 0 ? core.capacity : core.max_khz; }

std::vector<int> parse_cpus(const std::string& text, const Device& device) {
  const auto bad = [&] { return bad_value("--pin", text, "none, big, little or CPUs of this device such as 0-3,6"); };
  std::vector<int> cpus;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    int first = 0, last = 0;
    const int found = std::sscanf(part.c_str(), "%6d-%6d", &first, &last);
    if (found == 1) last = first;
    // Written back it must be the same text: nothing was left over.
    if (part != std::to_string(first) + (found == 2 ? "-" + std::to_string(last) : "")) throw bad();
    for (int cpu = first; cpu <= last; ++cpu) {
      if (std::none_of(device.cores.begin(), device.cores.end(), [&](const Core& c) { return c.cpu == cpu; })) {
        throw bad();
      }
      cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) throw bad();
  return cpus;
}

}  // namespace

Device read_device() {
  Device device;
  utsname name{};
  if (uname(&name) == 0) {
    device.architecture = name.machine;
    device.system = std::string(name.sysname) + " " + name.release;
  }
  const long count = sysconf(_SC_NPROCESSORS_CONF);
  for (int cpu = 0; cpu < count; ++cpu) {
    const std::string folder = kCpus + std::to_string(cpu);
    device.cores.push_back({cpu, number_in(folder + "/cpufreq/cpuinfo_max_freq"), number_in(folder + "/cpu_capacity"),
                            first_line(folder + "/cpufreq/scaling_governor"), "", ""});
  }
  read_cpuinfo(&device);
  const std::string board = first_line("/proc/device-tree/model");
  if (!board.empty()) device.model = board;
  return device;
}

void Device::write(Json& json) const {
  json.begin('{').entry("architecture", architecture).entry("system", system).entry("model", model);
  json.list("features", features).key("cores").begin('[');
  for (const Core& core : cores) {
    json.begin('{').entry("cpu", core.cpu);
    if (core.max_khz != 0) json.entry("max_mhz", core.max_khz / 1000);
    if (core.capacity != 0) json.entry("capacity", core.capacity);
    if (!core.governor.empty()) json.entry("governor", core.governor);
    if (!core.part.empty()) json.entry("implementer", core.implementer).entry("part", core.part);
    json.end('}');
  }
  json.end(']').end('}');
}

std::vector<Zone> read_temperatures() {
  std::vector<Zone> zones;
  for (int zone = 0;; ++zone) {
    const std::string folder = "/sys/class/thermal/thermal_zone" + std::to_string(zone);
    const std::string type = first_line(folder + "/type");
    if (type.empty()) return zones;
    const double celsius = static_cast<double>(number_in(folder + "/temp")) / 1000.0;
    // A zone that is switched off says 0, or something absurd.
    if (celsius > 0 && celsius < 200) zones.push_back({type, celsius});
  }
}

std::vector<int> cpus_of(const std::string& pin, const Device& device) {
  if (pin == "none") return {};
  if (pin != "big" && pin != "little") return parse_cpus(pin, device);
  long chosen = pin == "big" ? -1 : std::numeric_limits<long>::max();
  for (const Core& core : device.cores) {
    chosen = pin == "big" ? std::max(chosen, rank_of(core)) : std::min(chosen, rank_of(core));
  }
  std::vector<int> cpus;
  for (const Core& core : device.cores) {
    if (rank_of(core) == chosen) cpus.push_back(core.cpu);
  }
  return cpus;
}

void pin_to(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw UsageError("--pin: the system refuses these CPUs: " + std::string(std::strerror(errno)));
  }
#else
  throw UsageError("--pin: accepted on Linux and Android only");
#endif
}

}  // namespace bench
