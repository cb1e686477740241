#include "report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "bindings/executorch/mobilekernels_executorch.h"
#include "json.h"

namespace runner {
namespace {

#if defined(__aarch64__)
constexpr char kArchitecture[] = "aarch64";
#elif defined(__x86_64__)
constexpr char kArchitecture[] = "x86_64";
#else
constexpr char kArchitecture[] = "other";
#endif

// Of sorted times, the nearest rank: a time that was measured.
double percentile(const std::vector<double>& sorted, double p) {
  const auto rank = static_cast<size_t>(p * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

bench::Json& begin_tensor(bench::Json& json, const TensorType& type) {
  return json.begin('{').entry("dtype", type.dtype).list("shape", type.sizes);
}

std::vector<double> sorted(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

size_t peak_memory() {
  // Not getrusage: its maximum outlives exec, so that it would be the caller's.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    size_t kilobytes = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %zu kB", &kilobytes) == 1) return kilobytes * 1024;
  }
  return 0;
}

std::string to_json(const Report& report) {
  const std::vector<double> times = sorted(report.microseconds);
  bench::Json json;
  json.begin('{');
  json.entry("model", report.options.models[0]).entry("architecture", kArchitecture);
  json.entry("kernels", mobilekernels_executorch_version()).entry("threads", report.options.threads);
  json.entry("load_ms", report.load_milliseconds).entry("file_bytes", report.file_bytes);
  json.entry("planned_bytes", report.planned_bytes).entry("peak_memory_bytes", report.memory);
  json.entry("memory_before_bytes", report.memory_before).entry("first_call_us", report.first_call_microseconds);
  json.key("latency_us").begin('{');
  json.entry("calls", times.size()).entry("least", times.front()).entry("p50", percentile(times, 0.5));
  json.entry("p90", percentile(times, 0.9)).entry("p99", percentile(times, 0.99)).entry("most", times.back());
  json.end('}');
  json.entry("profiled_call_us", report.profile.call_microseconds);
  json.key("operators").begin('[');
  for (const OperatorTime& time : report.profile.operators) {
    json.begin('{').entry("name", time.name).entry("calls", time.calls).entry("us", time.microseconds).end('}');
  }
  json.end(']');
  json.key("inputs").begin('[');
  for (const TensorType& type : report.inputs) begin_tensor(json, type).end('}');
  json.end(']');
  json.key("outputs").begin('[');
  for (const Value& value : report.outputs) {
    begin_tensor(json, value.type).entry("bytes", value.bytes.size()).end('}');
  }
  json.end(']');
  return json.end('}').text() + "\n";
}

std::string to_text(const Report& report) {
  const std::vector<double> times = sorted(report.microseconds);
  char line[256];
  std::snprintf(line, sizeof line, "%s, %d thread(s): median %.3f ms, 90 %% %.3f, 99 %% %.3f of %zu calls\n",
                kArchitecture, report.options.threads, percentile(times, 0.5) / 1e3, percentile(times, 0.9) / 1e3,
                percentile(times, 0.99) / 1e3, times.size());
  std::string text = line;
  std::snprintf(line, sizeof line, "file %zu bytes, loaded in %.2f ms; first call %.2f ms\n", report.file_bytes,
                report.load_milliseconds, report.first_call_microseconds / 1e3);
  text += line;
  std::snprintf(line, sizeof line,
                "planned %zu bytes; peak memory %zu bytes, of which %zu before the file was opened\n",
                report.planned_bytes, report.memory, report.memory_before);
  text += line;
  for (const OperatorTime& time : report.profile.operators) {
    std::snprintf(line, sizeof line, "%10.1f us %5lld x  %s\n", time.microseconds, static_cast<long long>(time.calls),
                  time.name.c_str());
    text += line;
  }
  return text;
}

}  // namespace runner
