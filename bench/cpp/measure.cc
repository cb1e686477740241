#include "measure.h"

#include <algorithm>
#include <chrono>

#include "error.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bench {
namespace {

void marker(long section) {
#if defined(__linux__)
  constexpr long kWhich = 0x6d6b;  // "mk": no such class of priorities, so the call does nothing but fail
  syscall(SYS_getpriority, kWhich, section);
#else
  (void)section;
#endif
}

// Larger than the last-level cache of phones and of most servers.
constexpr size_t kEvicted = size_t{64} << 20;

// Reads all of it, a byte a cache line.
unsigned touch(const Buffer& buffer) {
  unsigned sum = 0;
  const auto* bytes = buffer.data<const volatile uint8_t>();
  for (size_t i = 0; i < buffer.bytes(); i += 64) sum += bytes[i];
  return sum;
}

int64_t time_of(const Case& c, const mobilekernels::Context& context) {
  const auto begin = std::chrono::steady_clock::now();
  run_case(c, context);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

void run_case(const Case& c, const mobilekernels::Context& context) { throw_if_error(c.where, c.run(context)); }

void run_once(const std::vector<Case>& cases, const mobilekernels::Context& context, bool mark) {
  for (size_t i = 0; i < cases.size(); ++i) {
    run_case(cases[i], context);
    if (!mark) continue;
    marker(static_cast<long>(i) + 1);
    run_case(cases[i], context);
    marker(0);
  }
}

std::vector<Times> run_rounds(const std::vector<Case>& cases, const mobilekernels::Context& context,
                              const Schedule& schedule) {
  for (int i = 0; i < schedule.warmup; ++i) run_once(cases, context, false);
  const Buffer evictor(schedule.cold_weights ? kEvicted : 0);
  std::vector<Times> times(cases.size());
  for (int round = 0; round < schedule.rounds; ++round) {
    for (size_t i = 0; i < cases.size(); ++i) {
      if (schedule.cold_weights) {
        touch(evictor);
        for (const Buffer& input : cases[i].inputs) touch(input);
      } else {
        run_case(cases[i], context);
      }
      times[i].push_back(time_of(cases[i], context));
    }
  }
  return times;
}

double quantile(Times times, double p) {
  std::sort(times.begin(), times.end());
  const double at = p * static_cast<double>(times.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, times.size() - 1);
  const auto from = static_cast<double>(times[low]), to = static_cast<double>(times[high]);
  return from + (at - static_cast<double>(low)) * (to - from);
}

}  // namespace bench
