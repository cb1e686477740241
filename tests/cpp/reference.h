// The arithmetic of docs/design.md said once more, plainly: what the tests hold the kernels and operators against.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/requantize.h"
#include "testing.h"

namespace reference {

using mobilekernels::OutputRange;

// round_half_to_even(clamp(f, lo - zp, hi - zp)), by the library's rounding; a NaN becomes lo.
inline int32_t clamp_round(float f, const OutputRange& range) {
  const auto lo = static_cast<float>(range.lo - range.zero_point);
  const auto hi = static_cast<float>(range.hi - range.zero_point);
  if (std::isnan(f) || f < lo) f = lo;
  if (f > hi) f = hi;
  return static_cast<int32_t>(std::nearbyint(f));
}

inline int8_t to_int8(float f, const OutputRange& range) {
  return static_cast<int8_t>(clamp_round(f, range) + range.zero_point);
}

inline float ratio(double numerator, double denominator) { return static_cast<float>(numerator / denominator); }

// Zero points and bounds at their extremes more often than chance would have it.
inline int32_t random_zero_point(testing::Random& random) {
  return static_cast<int32_t>(random.pick<int64_t>({-128, 127, 0, random.integer(-128, 127)}));
}

inline OutputRange random_range(testing::Random& random) {
  const auto lo = static_cast<int32_t>(random.pick<int64_t>({-128, random.integer(-128, 127)}));
  return {random_zero_point(random), lo, static_cast<int32_t>(random.pick<int64_t>({127, random.integer(lo, 127)}))};
}

}  // namespace reference
