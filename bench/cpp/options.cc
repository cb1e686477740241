#include "options.h"

#include "error.h"

namespace bench {

const char* const kUsage =
    R"(usage: mk_bench LAYERS.txt [options], or mk_bench --peak
Runs a list of int8 layers (name: op key=value ..., a line each): their times, and checksums of their output bytes,
which are the same on every device.

  --threads N       threads of each layer (1)
  --rounds N        timed rounds over the list (20)
  --warmup N        rounds before them (3)
  --isa NAME        no better instruction set than this
  --pin WHERE       none, big, little, or CPUs such as 0-3,6 (none)
  --cold-weights    weights leave the caches before each timed call; activations stay
  --check           no times: one run of each layer, for its checksum and kernel
  --mark            no times: a second run of each layer, number i, stands between the system calls
                    getpriority(0x6d6b, i + 1) and getpriority(0x6d6b, 0), for counting instructions
  --peak            no layers: the rate of int8 dot products in registers and of reads from memory, as JSON
  --json FILE       the result as JSON; - is standard output
exit codes: 0 done, 1 failed, 2 wrong usage
)";

namespace {

int parse_count(const std::string& option, const std::string& text, int least) {
  constexpr size_t kDigits = 6;
  const bool digits =
      !text.empty() && text.size() <= kDigits && text.find_first_not_of("0123456789") == std::string::npos;
  const int value = digits ? std::stoi(text) : -1;
  if (value < least) throw bad_value(option, text, "an integer from " + std::to_string(least) + " on");
  return value;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw UsageError(option + ": its value is missing");
      return argv[++i];
    };
    if (option == "--threads") {
      options.threads = parse_count(option, value(), 1);
    } else if (option == "--rounds") {
      options.schedule.rounds = parse_count(option, value(), 1);
    } else if (option == "--warmup") {
      options.schedule.warmup = parse_count(option, value(), 0);
    } else if (option == "--isa") {
      options.isa = value();
    } else if (option == "--pin") {
      options.pin = value();
    } else if (option == "--cold-weights") {
      options.schedule.cold_weights = true;
    } else if (option == "--check") {
      options.mode = Mode::check;
    } else if (option == "--mark") {
      options.mode = Mode::mark;
    } else if (option == "--peak") {
      options.mode = Mode::peak;
    } else if (option == "--json") {
      options.json = value();
    } else if (option.rfind("--", 0) == 0 || !options.layers.empty()) {
      throw UsageError("option '" + option + "' is not known; see mk_bench --help");
    } else {
      options.layers = option;
    }
  }
  if (options.layers.empty() && options.mode != Mode::peak)
    throw UsageError("LAYERS.txt: no layer list was given; see mk_bench --help");
  return options;
}

}  // namespace bench
