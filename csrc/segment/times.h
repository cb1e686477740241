// How long the operators of segments took, for whoever asks in this thread. Off, it costs a segment one look at a
// thread's own pointer; on, two readings of the clock an operator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mobilekernels::segment {

struct OperatorTime {
  int node;  // of the program
  int64_t nanoseconds;
};

// One call of a segment.
struct SegmentTimes {
  std::string program;
  int64_t nanoseconds;  // of the whole call, what is between operators included
  std::vector<OperatorTime> operators;
};

// From now on every segment that this thread runs is recorded.
void start_recording();
// What was recorded, in order; nothing is from now on.
std::vector<SegmentTimes> stop_recording();
// Where to write; null: nothing is recorded.
std::vector<SegmentTimes>* recording();

}  // namespace mobilekernels::segment
