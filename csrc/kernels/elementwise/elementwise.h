// Elementwise int8 kernels over contiguous memory. One body (elementwise_inl.h), compiled for each ISA.
// Every float step is a separate float32 operation (no FMA), so all ISAs give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace mobilekernels {

// One operand of add or mul. A step of 0 repeats one value (broadcast over the vector).
struct ElementwiseOperand {
  const int8_t* data;
  size_t step;  // 0 or 1
  int32_t zero_point;
  float scale;  // add: operand scale / output scale; mul: unused
};

// The smallest and the largest of some floats, as keys: a float's bits as an integer of the same order,
//   -NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN
// so that nothing depends on how an instruction set compares zeros and NaNs, or flushes denormals.
struct FloatSpan {
  int32_t lo, hi;
};
constexpr int32_t kInfinityKey = 0x7f800000;  // that of -inf is ~kInfinityKey

// From bits to keys, and back.
[[gnu::always_inline]] static inline int32_t float_key(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

struct ElementwiseKernels {
  // f = float(a - za) * a.scale + float(b - zb) * b.scale
  void (*add)(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, const OutputRange& output,
              int8_t* out);
  // f = float((a - za) * (b - zb)) * scale
  void (*mul)(size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale,
              const OutputRange& output, int8_t* out);
  // out[i] = table[x[i] + 128]
  void (*lut)(size_t n, const int8_t* x, const int8_t* table, int8_t* out);
  // f = x * inverse_scale; a NaN becomes output.lo
  void (*quantize)(size_t n, const float* x, float inverse_scale, const OutputRange& output, int8_t* out);
  // quantize() of three planes of n values each; out[3 i + c] is of planes[c][i]
  void (*quantize3)(size_t n, const float* const planes[3], float inverse_scale, const OutputRange& output,
                    int8_t* out);
  // out = float(x - zero_point) * scale
  void (*dequantize)(size_t n, const int8_t* x, float scale, int32_t zero_point, float* out);
  // Rows of 2 n values: out[2 i] = x[i], out[2 i + 1] = x[n + i]
  void (*interleave2)(size_t rows, size_t n, const int8_t* x, int8_t* out);
  // *span reaches as far as it did and to each x[i]
  void (*widen)(size_t n, const float* x, FloatSpan* span);
};

}  // namespace mobilekernels
