// Table look-up, quantize and dequantize: one value in, one value out, over contiguous memory; and the forms
// of (de)quantize that change between PyTorch's NCHW floats and our NHWC int8.
#pragma once

#include "ops/args.h"

namespace mobilekernels {

// out[i] = table[x[i] + 128]
Status lut(const int8_t* x, int64_t n, const int8_t* table, int8_t* out, const Context& context);

// q = round_half_to_even(clamp(x * float(1 / scale), -128 - zp, 127 - zp)) + zp; NaN becomes -128.
Status quantize(const float* x, int64_t n, double scale, int32_t zero_point, int8_t* out, const Context& context);
// out = float(q - zp) * float(scale)
Status dequantize(const int8_t* x, int64_t n, double scale, int32_t zero_point, float* out, const Context& context);

// x: floats of shape [n][c][h][w] with element strides `strides` (n, c, h, w: contiguous, channels_last or any
// other); out: NHWC contiguous.
Status quantize_nhwc(const float* x, const Shape4& shape, const int64_t strides[4], double scale, int32_t zero_point,
                     int8_t* out, const Context& context);
// x: NHWC contiguous int8; out: NCHW contiguous floats.
Status dequantize_nchw(const int8_t* x, const Shape4& shape, double scale, int32_t zero_point, float* out,
                       const Context& context);

}  // namespace mobilekernels
