// The epilogue of requantize.h in plain C++: the reference, and the body of the loops that the compiler vectorises.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels::epilogue_scalar {

// What a float has to be clamped to before it is rounded: lo - zp, hi - zp.
struct Bounds {
  float lo;
  float hi;
  int32_t zero_point;
};

[[gnu::always_inline]] static inline Bounds bounds(const OutputRange& range) {
  return {static_cast<float>(range.lo - range.zero_point), static_cast<float>(range.hi - range.zero_point),
          range.zero_point};
}

// Half to even by the spacing of floats: next to 1.5 * 2^23 it is 1. Right for |f| < 2^22, the same on every ISA
// (armv7 has no such conversion), and it vectorises. A NaN becomes lo.
[[gnu::always_inline]] static inline int32_t clamp_and_round(float f, const Bounds& b) {
  constexpr float kMagic = 0x1.8p23f;
  f = f > b.lo ? f : b.lo;
  f = f < b.hi ? f : b.hi;
  return static_cast<int32_t>((f + kMagic) - kMagic);
}

[[gnu::always_inline]] static inline int8_t to_int8(float f, const Bounds& b) {
  return static_cast<int8_t>(clamp_and_round(f, b) + b.zero_point);
}

// One output value; `residual` points at its residual, or is null where epilogue.residual is.
[[gnu::always_inline]] static inline int8_t requantize(int32_t acc, float scale, const Epilogue& epilogue,
                                                       const int8_t* residual) {
  const int32_t main = clamp_and_round(static_cast<float>(acc) * scale, bounds(epilogue.output));
  if (residual == nullptr) return static_cast<int8_t>(main + epilogue.output.zero_point);
  const ResidualAdd& add = *epilogue.residual;
  const float sum = static_cast<float>(main) * add.main_scale +
                    static_cast<float>(*residual - add.residual_zero_point) * add.residual_scale;
  return to_int8(sum, bounds(add.output));
}

// One float result.
[[gnu::always_inline]] static inline float to_float(int32_t acc, const Epilogue& epilogue, size_t row, size_t channel) {
  const DynamicRows& rows = epilogue.rows;
  if (rows.scale == nullptr) return static_cast<float>(acc) * epilogue.scale[channel];
  const int32_t sum = acc - rows.zero_point[row] * epilogue.wsum[channel];
  return static_cast<float>(sum) * (rows.scale[row] * epilogue.scale[channel]) + rows.bias[channel];
}

}  // namespace mobilekernels::epilogue_scalar
