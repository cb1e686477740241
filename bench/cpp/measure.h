// Runs the cases: once each for their bytes, or round by round for their times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cases.h"
#include "runtime/context.h"

namespace bench {

// Nanoseconds of one case, a value a round.
using Times = std::vector<int64_t>;

struct Schedule {
  int rounds = 20;
  int warmup = 3;
  // Before each timed call everything but the activations leaves the caches; otherwise an untimed call warms them.
  bool cold_weights = false;
};

// One call of a case. The error of an operator names the line of the list.
void run_case(const Case& c, const mobilekernels::Context& context);

// Every case once, the numbers of its output in `Case::out`. With `mark`, a second call of each stands between two
// marker system calls, getpriority(0x6d6b, number + 1) and getpriority(0x6d6b, 0), for whoever counts instructions.
void run_once(const std::vector<Case>& cases, const mobilekernels::Context& context, bool mark);

// Round by round over all cases, so that a slow moment of the device meets all of them.
std::vector<Times> run_rounds(const std::vector<Case>& cases, const mobilekernels::Context& context,
                              const Schedule& schedule);

// The value below which the share `p` of the times lies, interpolated.
double quantile(Times times, double p);

}  // namespace bench
