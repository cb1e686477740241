#include "result.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "json.h"
#include "runtime/dispatch.h"

namespace bench {
namespace {

constexpr int kFormat = 1;

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

void write_zones(Json& json, const char* when, const std::vector<Zone>& zones) {
  json.key(when).begin('[');
  for (const Zone& zone : zones) json.begin('{').entry("zone", zone.name).entry("celsius", zone.celsius).end('}');
  json.end(']');
}

void write_isas(Json& json) {
  json.key("isas").begin('[');
  for (int i = 0; i < mobilekernels::kIsaCount; ++i) {
    const auto isa = static_cast<mobilekernels::Isa>(i);
    if (mobilekernels::isa_built(isa) && mobilekernels::isa_runnable(isa)) json.value(mobilekernels::isa_name(isa));
  }
  json.end(']');
}

double median_of_totals(const std::vector<Times>& times) {
  double total = 0;
  for (const Times& each : times) total += quantile(each, 0.5);
  return total;
}

}  // namespace

std::string to_json(const Options& options, const std::vector<Case>& cases, const Result& result) {
  Json json;
  json.begin('{').entry("format", kFormat).key("device");
  result.device.write(json);
  write_isas(json);
  json.entry("threads", options.threads).entry("isa_cap", options.isa).entry("pin", options.pin);
  json.list("pinned_cpus", result.pinned);
  const bool timed = !result.times.empty();
  json.entry("timed", timed);
  if (timed) {
    json.entry("rounds", options.schedule.rounds).entry("warmup", options.schedule.warmup);
    json.entry("cold_weights", options.schedule.cold_weights);
    write_zones(json, "thermal_before", result.before);
    write_zones(json, "thermal_after", result.after);
    json.entry("total_ns", median_of_totals(result.times));
    json.key("round_ns").begin('[');
    for (size_t round = 0; round < result.times[0].size(); ++round) {
      int64_t total = 0;
      for (const Times& times : result.times) total += times[round];
      json.value(total);
    }
    json.end(']');
  }
  json.key("layers").begin('[');
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    json.begin('{').entry("name", c.name).entry("op", c.op).entry("isa", c.isa).entry("macs", c.macs);
    json.entry("input_bytes", c.input_bytes()).entry("weight_bytes", c.weights.bytes());
    json.entry("output_bytes", c.out.bytes()).entry("checksum", hex(checksum(c.out)));
    if (timed) {
      const Times& times = result.times[i];
      json.entry("min_ns", quantile(times, 0)).entry("lower_ns", quantile(times, 0.25));
      json.entry("median_ns", quantile(times, 0.5)).entry("upper_ns", quantile(times, 0.75));
    }
    json.end('}');
  }
  json.end(']').end('}');
  return json.text() + "\n";
}

std::string to_table(const std::vector<Case>& cases, const Result& result) {
  const bool timed = !result.times.empty();
  size_t width = 5;
  for (const Case& c : cases) width = std::max(width, c.name.size());
  const int columns = static_cast<int>(width);
  std::vector<char> line(width + 120);
  std::string table;
  const auto add = [&] { (table += line.data()) += '\n'; };
  std::snprintf(line.data(), line.size(), "%-*s  %-19s  %-12s  %10s  %16s%s", columns, "layer", "op", "isa", "MMAC",
                "checksum", timed ? "   median us     GMAC/s  weights GB/s" : "");
  add();
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const double macs = static_cast<double>(c.macs);
    char times[60] = "";
    if (timed) {
      const double ns = quantile(result.times[i], 0.5);
      const double bytes = static_cast<double>(c.weights.bytes());
      std::snprintf(times, sizeof times, "  %10.1f  %9.1f  %12.1f", ns / 1e3, ns > 0 ? macs / ns : 0,
                    ns > 0 ? bytes / ns : 0);
    }
    std::snprintf(line.data(), line.size(), "%-*s  %-19s  %-12s  %10.2f  %s%s", columns, c.name.c_str(), c.op.c_str(),
                  c.isa.c_str(), macs / 1e6, hex(checksum(c.out)).c_str(), times);
    add();
  }
  if (timed) {
    std::snprintf(line.data(), line.size(), "total of medians: %.3f ms", median_of_totals(result.times) / 1e6);
    add();
  }
  return table;
}

}  // namespace bench
