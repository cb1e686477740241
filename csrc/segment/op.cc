#include "segment/op.h"

#include <cstring>

namespace mobilekernels::segment {

extern const OpDef adaptive_avg_pool2d_op, add_op, avg_pool2d_op, channel_shuffle_op, concat_op, conv2d_op,
    conv2d_add_op, conv2d_f32_op, conv2d_float_op, dequantize_op, dequantize_nchw_op, flatten_op, linear_op,
    linear_dynamic_op, linear_f32_op, linear_float_op, lut_op, max_pool2d_op, mul_op, quantize_op, quantize_nhwc_op,
    slice_channels_op;

const OpDef* find_op(const std::string& name) {
  static const OpDef* const ops[] = {
      &adaptive_avg_pool2d_op,
      &add_op,
      &avg_pool2d_op,
      &channel_shuffle_op,
      &concat_op,
      &conv2d_op,
      &conv2d_add_op,
      &conv2d_f32_op,
      &conv2d_float_op,
      &dequantize_op,
      &dequantize_nchw_op,
      &flatten_op,
      &linear_op,
      &linear_dynamic_op,
      &linear_f32_op,
      &linear_float_op,
      &lut_op,
      &max_pool2d_op,
      &mul_op,
      &quantize_op,
      &quantize_nhwc_op,
      &slice_channels_op,
  };
  for (const OpDef* op : ops) {
    if (name == op->name) return op;
  }
  return nullptr;
}

}  // namespace mobilekernels::segment
