#include "segment/times.h"

#include <utility>

namespace mobilekernels::segment {
namespace {

struct Recording {
  bool on = false;
  std::vector<SegmentTimes> times;
};

Recording& mine() {
  thread_local Recording instance;
  return instance;
}

}  // namespace

void start_recording() { mine() = {true, {}}; }

std::vector<SegmentTimes> stop_recording() { return std::exchange(mine(), {}).times; }

std::vector<SegmentTimes>* recording() { return mine().on ? &mine().times : nullptr; }

}  // namespace mobilekernels::segment
