// mk_bench: times a list of layers on whatever device this runs on.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

#include "error.h"
#include "options.h"
#include "peak.h"
#include "result.h"
#include "runtime/dispatch.h"
#include "thread_pool.h"

namespace {

using namespace bench;

void write(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

void run(const Options& options) {
  if (options.mode == Mode::peak) {
    write(options.json.empty() ? "-" : options.json, to_json(measure_peak()));
    return;
  }
  throw_if_error("MOBILEKERNELS_ISA", mobilekernels::environment_error());
  if (!options.isa.empty()) throw_if_error("--isa", mobilekernels::set_isa_cap(options.isa));
  Result result;
  result.device = read_device();
  result.pinned = cpus_of(options.pin, result.device);
  pin_to(result.pinned);

  std::vector<Case> cases;
  size_t workspace_bytes = 0;
  for (const Layer& layer : read_layer_list(options.layers)) {
    cases.push_back(make_case(layer));
    workspace_bytes = std::max(workspace_bytes, cases.back().workspace(options.threads));
  }
  ThreadPool pool(options.threads);
  const Buffer workspace(workspace_bytes);
  mobilekernels::Context context;
  context.threads = options.threads;
  if (options.threads > 1) context.run_tasks = ThreadPool::run_tasks;
  context.pool = &pool;
  context.workspace = workspace.data<void>();
  context.workspace_bytes = workspace_bytes;

  // Bad arguments show here, before anything is timed.
  run_once(cases, context, options.mode == Mode::mark);
  if (options.mode == Mode::time) {
    result.before = read_temperatures();
    result.times = run_rounds(cases, context, options.schedule);
    result.after = read_temperatures();
  }
  if (options.json != "-") std::fputs(to_table(cases, result).c_str(), stdout);
  if (!options.json.empty()) write(options.json, to_json(options, cases, result));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
      std::fputs(kUsage, stdout);
      return 0;
    }
    run(parse_options(argc, argv));
    return 0;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "mk_bench: %s\n", error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "mk_bench: the layers of the list do not fit in memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mk_bench: %s\n", error.what());
  }
  return 1;
}
