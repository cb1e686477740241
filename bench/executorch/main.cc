// mk_runner: runs a .pte file in ExecuTorch on whatever device this runs on.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "bindings/executorch/mobilekernels_executorch.h"
#include "error.h"
#include "log.h"
#include "pool.h"
#include "report.h"
#include "segment/program.h"
#include "segment/times.h"

namespace {

using namespace runner;
using bench::UsageError;

void set_threads(int threads) {
  auto* pool = ::executorch::extension::threadpool::get_threadpool();
  if (pool == nullptr || !pool->_unsafe_reset_threadpool(static_cast<uint32_t>(threads))) {
    throw std::runtime_error("ExecuTorch's thread pool cannot be had");
  }
}

double microseconds_of_call(Program& program) {
  const auto begin = std::chrono::steady_clock::now();
  program.call();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

// A call after as many as are asked for, at least the one that makes plans: ExecuTorch's events, then the operators
// inside of segments.
Profile profile(const Options& options) {
  auto owned = std::make_unique<Tracer>();
  Tracer& tracer = *owned;
  Program program(options.models[0], options.method, options.unsealed, std::move(owned));
  program.set_inputs(options.inputs);
  for (int i = 0; i < std::max(options.warmup, 1); ++i) program.call();
  tracer.forget();
  mobilekernels::segment::start_recording();
  Profile found;
  found.call_microseconds = microseconds_of_call(program);
  found.operators = tracer.times();
  for (const auto& segment : mobilekernels::segment::stop_recording()) {
    mobilekernels::segment::Program parsed;
    if (!mobilekernels::segment::parse_program(segment.program, &parsed).ok()) continue;
    for (const auto& one : segment.operators) {
      const char* name = parsed.nodes[static_cast<size_t>(one.node)].op->name;
      found.operators.push_back({"segment: " + std::to_string(one.node) + " " + name, 1, one.nanoseconds / 1e3});
    }
  }
  return found;
}

void write_outputs(const std::vector<std::string>& paths, const std::vector<Value>& values) {
  if (paths.size() > values.size()) {
    throw bench::bad_value("--output", std::to_string(paths.size()) + " of them",
                           "at most " + std::to_string(values.size()));
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    std::ofstream file(paths[i], std::ios::binary);
    file.write(values[i].bytes.data(), static_cast<std::streamsize>(values[i].bytes.size()));
    if (!file.flush()) throw std::runtime_error(paths[i] + ": cannot be written");
  }
}

void run(const Options& options) {
  set_threads(options.threads);
  Report report;
  report.options = options;
  report.memory_before = peak_memory();
  Program program(options.models[0], options.method, options.unsealed, nullptr);
  report.load_milliseconds = program.load_milliseconds();
  report.file_bytes = program.file_bytes();
  report.planned_bytes = program.planned_bytes();
  program.set_inputs(options.inputs);
  report.inputs = program.inputs();
  report.first_call_microseconds = microseconds_of_call(program);
  for (int i = 1; i < options.warmup; ++i) program.call();
  if (options.warmup == 0) report.microseconds.push_back(report.first_call_microseconds);
  while (report.microseconds.size() < static_cast<size_t>(options.repeat)) {
    report.microseconds.push_back(microseconds_of_call(program));
  }
  report.memory = peak_memory();
  report.outputs = program.outputs();
  write_outputs(options.outputs, report.outputs);
  if (options.profile) report.profile = profile(options);
  std::fputs((options.json ? to_json(report) : to_text(report)).c_str(), stdout);
}

// A line a file that something is wrong with.
int check(const Options& options) {
  int damaged = 0;
  for (const std::string& path : options.models) {
    try {
      const Program program(path, options.method, options.unsealed, nullptr);
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
      ++damaged;
    }
  }
  std::printf("%zu files, %d refused\n", options.models.size(), damaged);
  return damaged == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
      std::fputs(kUsage, stdout);
      return 0;
    }
    const Options options = parse_options(argc, argv);
    show_errors_only();
    if (*mobilekernels_executorch_refusal() != '\0') throw std::runtime_error(mobilekernels_executorch_refusal());
    if (options.check) return check(options);
    run(options);
    return 0;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "mk_runner: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mk_runner: %s\n", error.what());
  }
  return 1;
}
