#include "options.h"

#include <algorithm>

#include "error.h"

namespace runner {

const char* const kUsage =
    R"(usage: mk_runner MODEL.pte [options], or mk_runner --check MODEL.pte ...
Runs a program of mobilekernels.export in ExecuTorch, with its operators, XNNPACK and ExecuTorch's own.

  --input FILE[:SIZES]  the next input's raw values; SIZES such as 2,3,224,224 (else the program's, and the batch that
                        the file has). Inputs that are not given are zeros
  --output FILE         where the next output's raw values go
  --method NAME         (forward)
  --repeat N            timed calls (1)
  --warmup N            calls before them (0)
  --threads N           of ExecuTorch's pool (1)
  --profile             one more call, whose operators are timed one by one
  --check               load each file, report what is wrong with it, and run nothing
  --unsealed            take files without mobilekernels.export's checksum: a damaged one may crash
  --json                the result as JSON on standard output
exit codes: 0 done, 1 failed (--check: of any file), 2 wrong usage
)";

namespace {

int parse_count(const std::string& option, const std::string& text, int least) {
  constexpr size_t kDigits = 9;
  const bool digits =
      !text.empty() && text.size() <= kDigits && text.find_first_not_of("0123456789") == std::string::npos;
  const int value = digits ? std::stoi(text) : -1;
  if (value < least) throw bench::bad_value(option, text, "an integer from " + std::to_string(least) + " on");
  return value;
}

// "x.bin:2,3,224,224"; a colon without digits behind it belongs to the path.
Input parse_input(const std::string& text) {
  Input input{text, {}};
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find_first_not_of("0123456789,", colon + 1) != std::string::npos) return input;
  input.path = text.substr(0, colon);
  for (size_t begin = colon + 1; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    input.sizes.push_back(parse_count("--input", text.substr(begin, end - begin), 0));
    begin = end + 1;
  }
  return input;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw bench::UsageError(option + ": its value is missing");
      return argv[++i];
    };
    if (option == "--input") {
      options.inputs.push_back(parse_input(value()));
    } else if (option == "--output") {
      options.outputs.push_back(value());
    } else if (option == "--method") {
      options.method = value();
    } else if (option == "--repeat") {
      options.repeat = parse_count(option, value(), 1);
    } else if (option == "--warmup") {
      options.warmup = parse_count(option, value(), 0);
    } else if (option == "--threads") {
      options.threads = parse_count(option, value(), 1);
    } else if (option == "--profile") {
      options.profile = true;
    } else if (option == "--check") {
      options.check = true;
    } else if (option == "--unsealed") {
      options.unsealed = true;
    } else if (option == "--json") {
      options.json = true;
    } else if (option.rfind("--", 0) == 0) {
      throw bench::UsageError("option '" + option + "' is not known; see mk_runner --help");
    } else {
      options.models.push_back(option);
    }
  }
  if (options.models.empty()) throw bench::UsageError("MODEL.pte: none was given; see mk_runner --help");
  if (options.models.size() > 1 && !options.check) {
    throw bench::bad_value("MODEL.pte", options.models[1], "one model, or --check");
  }
  return options;
}

}  // namespace runner
