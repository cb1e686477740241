// Moves of int8 data: concatenation (with requantization of the parts), channel shuffle, channel slices.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

// One part: `outer` runs of `inner` contiguous values.
struct ConcatInput {
  const int8_t* data;
  int64_t inner;
  double scale;
  int32_t zero_point;
};

// out: `outer` runs of sum(inner). A part with another scale or zero point than the output's is requantized:
//   q = round_half_to_even(clamp(float(x - zp) * float(scale / out_scale), -128 - out_zp, 127 - out_zp)) + out_zp
Status concat(const ConcatInput* inputs, int count, int64_t outer, double out_scale, int32_t out_zero_point,
              int8_t* out, const Context& context);

// [outer][groups][c / groups] -> [outer][c / groups][groups]
Status channel_shuffle(const int8_t* x, int64_t outer, int64_t channels, int64_t groups, int8_t* out,
                       const Context& context);

// out[r] = x[r][start .. end)
Status slice_channels(const int8_t* x, int64_t outer, int64_t channels, int64_t start, int64_t end, int8_t* out,
                      const Context& context);

}  // namespace mobilekernels
