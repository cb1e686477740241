#include "bindings/executorch/ops.h"

namespace mobilekernels::executorch_face {
namespace {

const char kImage[] = "int8 x, int8 packed";
const char kFloats[] = "float32 x, int8 packed";
const char kWindows[] =
    "int out_channels, int[2] kernel_size, int[2] stride, int[4] padding, int[2] dilation, int groups";
const char kZeroPoint[] = "int x_zero_point";
const char kWindow[] = "int8 x, int[2] kernel_size, int[2] stride, int[4] padding";
const char kBinary[] = "int8 a, int8 b, float a_scale, int a_zero_point, float b_scale, int b_zero_point";
const char kInput[] = "float x_scale, int x_zero_point";
const char kScale[] = "float out_scale";
const char kRange[] = "int out_zero_point, int out_min, int out_max";
const char kClamp[] = "float out_min, float out_max";
const char kParameters[] = "float scale, int zero_point";

std::vector<Signature> make_ops() {
  return {
      make_signature("quantize", {"float32 x", kParameters}),
      make_signature("quantize_nhwc", {"float32 x", kParameters}),
      make_signature("dequantize", {"int8 x", kParameters}),
      make_signature("dequantize_nchw", {"int8 x", kParameters}),
      make_signature("conv2d", {kImage, kWindows, kZeroPoint, kRange}),
      make_signature("conv2d_add",
                     {kImage, "int8 residual", kWindows, kZeroPoint,
                      "float conv_scale, int conv_zero_point, int conv_min, int conv_max, float residual_scale, "
                      "int residual_zero_point",
                      kScale, kRange}),
      make_signature("linear", {kImage, "int out_features, int x_zero_point", kRange}),
      make_signature("conv2d_float", {kImage, kWindows, kZeroPoint}),
      make_signature("linear_float", {kImage, "int out_features, int x_zero_point"}),
      make_signature("linear_dynamic", {"float32 x, int8 packed, float32 bias, int out_features, bool per_row, "
                                        "bool symmetric, int quant_min, int quant_max, float eps"}),
      make_signature("conv2d_f32", {kFloats, kWindows, kClamp}),
      make_signature("linear_f32", {kFloats, "int out_features", kClamp}),
      make_signature("add", {kBinary, kScale, kRange}),
      make_signature("mul", {kBinary, kScale, kRange}),
      make_signature("lut", {"int8 x, int8 table"}),
      make_signature("max_pool2d", {kWindow, "int[2] dilation, bool ceil_mode"}),
      make_signature("avg_pool2d",
                     {kWindow, "bool ceil_mode, bool count_include_pad, int divisor_override", kInput, kScale, kRange}),
      make_signature("adaptive_avg_pool2d", {"int8 x, int[2] output_size", kInput, kScale, kRange}),
      make_signature("concat", {"int8[] xs, int dim, float[] scales, int[] zero_points", kScale, "int out_zero_point"}),
      make_signature("channel_shuffle", {"int8 x, int groups"}),
      make_signature("slice_channels", {"int8 x, int start, int end"}),
  };
}

}  // namespace

const std::vector<Signature>& ops() {
  static const std::vector<Signature> all = make_ops();
  return all;
}

}  // namespace mobilekernels::executorch_face
