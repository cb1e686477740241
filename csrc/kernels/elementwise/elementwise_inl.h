// The bodies of the elementwise kernels: plain loops that the compiler vectorises with the flags of each ISA's file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/elementwise/elementwise.h"
#include "kernels/epilogue_scalar_inl.h"

namespace mobilekernels::elementwise_loops {

// `step_a` and `step_b` are 0 or 1, constants where this is inlined, so that what is broadcast leaves the loop.
// The terms of the sum may be swapped: float addition commutes.
[[gnu::always_inline]] static inline void add_steps(size_t n, const ElementwiseOperand& a, size_t step_a,
                                                    const ElementwiseOperand& b, size_t step_b,
                                                    const OutputRange& output, int8_t* __restrict out) {
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds(output);
  const int8_t* x = a.data;
  const int8_t* y = b.data;
  const int32_t x_zero = a.zero_point, y_zero = b.zero_point;
  const float x_scale = a.scale, y_scale = b.scale;
  for (size_t i = 0; i < n; ++i) {
    const float f = static_cast<float>(x[i * step_a] - x_zero) * x_scale;
    const float g = static_cast<float>(y[i * step_b] - y_zero) * y_scale;
    out[i] = epilogue_scalar::to_int8(f + g, bounds);
  }
}

[[gnu::always_inline]] static inline void mul_steps(size_t n, const ElementwiseOperand& a, size_t step_a,
                                                    const ElementwiseOperand& b, size_t step_b, float scale,
                                                    const OutputRange& output, int8_t* __restrict out) {
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds(output);
  const int8_t* x = a.data;
  const int8_t* y = b.data;
  const int32_t x_zero = a.zero_point, y_zero = b.zero_point;
  for (size_t i = 0; i < n; ++i) {
    const int32_t product = (x[i * step_a] - x_zero) * (y[i * step_b] - y_zero);
    out[i] = epilogue_scalar::to_int8(static_cast<float>(product) * scale, bounds);
  }
}

static void add(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, const OutputRange& output,
                int8_t* out) {
  if (a.step == 0) {
    add_steps(n, b, b.step, a, 0, output, out);
  } else if (b.step == 0) {
    add_steps(n, a, 1, b, 0, output, out);
  } else {
    add_steps(n, a, 1, b, 1, output, out);
  }
}

static void mul(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale,
                const OutputRange& output, int8_t* out) {
  if (a.step == 0) {
    mul_steps(n, b, b.step, a, 0, scale, output, out);
  } else if (b.step == 0) {
    mul_steps(n, a, 1, b, 0, scale, output, out);
  } else {
    mul_steps(n, a, 1, b, 1, scale, output, out);
  }
}

// The table look-up where there is no better instruction, and the tails where there is.
static inline void lut(size_t n, const int8_t* x, const int8_t* table, int8_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = table[x[i] + 128];
}

static inline void quantize(size_t n, const float* x, float inverse_scale, const OutputRange& output,
                            int8_t* __restrict out) {
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds(output);
  for (size_t i = 0; i < n; ++i) out[i] = epilogue_scalar::to_int8(x[i] * inverse_scale, bounds);
}

static void quantize3(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output,
                      int8_t* __restrict out) {
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds(output);
  for (size_t i = 0; i < n; ++i) {
    for (size_t c = 0; c < 3; ++c) out[3 * i + c] = epilogue_scalar::to_int8(planes[c][i] * inverse_scale, bounds);
  }
}

// What a kernel that has done the first `done` of `n` pixels leaves.
[[maybe_unused]] static void quantize3_rest(size_t done, size_t n, const float* const planes[3], float inverse_scale,
                                            const OutputRange& output, int8_t* out) {
  const float* const rest[3] = {planes[0] + done, planes[1] + done, planes[2] + done};
  quantize3(n - done, rest, inverse_scale, output, out + 3 * done);
}

static void dequantize(size_t n, const int8_t* x, float scale, int32_t zero_point, float* __restrict out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(x[i] - zero_point) * scale;
}

static inline void interleave2(size_t rows, size_t n, const int8_t* x, int8_t* __restrict out) {
  for (size_t row = 0; row < rows; ++row, x += 2 * n, out += 2 * n) {
    for (size_t i = 0; i < n; ++i) {
      out[2 * i] = x[i];
      out[2 * i + 1] = x[n + i];
    }
  }
}

static void widen(size_t n, const float* x, FloatSpan* span) {
  int32_t lo = span->lo, hi = span->hi;
  for (size_t i = 0; i < n; ++i) {
    int32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof(bits));
    const int32_t key = float_key(bits);
    lo = key < lo ? key : lo;
    hi = key > hi ? key : hi;
  }
  *span = {lo, hi};
}

// sixteen(x, y, out) does 16 of each half. The last of a row may do again what was done.
template <typename Sixteen>
[[gnu::always_inline]] static inline void interleave2_by_16(size_t rows, size_t n, const int8_t* x, int8_t* out,
                                                            const Sixteen& sixteen) {
  if (n < 16) return interleave2(rows, n, x, out);
  for (size_t row = 0; row < rows; ++row, x += 2 * n, out += 2 * n) {
    for (size_t i = 0; i + 16 <= n; i += 16) sixteen(x + i, x + n + i, out + 2 * i);
    if (n % 16 != 0) sixteen(x + n - 16, x + 2 * n - 16, out + 2 * n - 32);
  }
}

}  // namespace mobilekernels::elementwise_loops
