// mk_runner: runs a .pte file in ExecuTorch on whatever device this runs on.
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

// One call after a first one that makes plans: ExecuTorch's events, then the operators inside of segments.
std::vector<OperatorTime> profile(const Options& options) {
  auto owned = std::make_unique<Tracer>();
  Tracer& tracer = *owned;
  Program program(options.models[0], options.method, options.unsealed, std::move(owned));
  program.set_inputs(options.inputs);
  program.call();
  tracer.forget();
  mobilekernels::segment::start_recording();
  program.call();
  std::vector<OperatorTime> times = tracer.times();
  for (const auto& segment : mobilekernels::segment::stop_recording()) {
    mobilekernels::segment::Program parsed;
    if (!mobilekernels::segment::parse_program(segment.program, &parsed).ok()) continue;
    for (const auto& one : segment.operators) {
      const char* name = parsed.nodes[static_cast<size_t>(one.node)].op->name;
      times.push_back({"segment: " + std::to_string(one.node) + " " + name, 1, one.nanoseconds / 1e3});
    }
  }
  return times;
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
  Program program(options.models[0], options.method, options.unsealed, nullptr);
  report.load_milliseconds = program.load_milliseconds();
  report.file_bytes = program.file_bytes();
  report.planned_bytes = program.planned_bytes();
  program.set_inputs(options.inputs);
  for (int i = 0; i < options.warmup; ++i) program.call();
  for (int i = 0; i < options.repeat; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    program.call();
    report.microseconds.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  report.outputs = program.outputs();
  write_outputs(options.outputs, report.outputs);
  if (options.profile) report.operators = profile(options);
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
