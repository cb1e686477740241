#include "ops/unary.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

// Elementwise between dtypes; the images of the two orders differ in their shape besides.
Status decode(const Call& call, Dtype from, int dims, Operand* x, QParams* params) {
  Arguments in(call);
  *x = in.operand(0, from, dims);
  *params = in.qparams();
  return in.finish();
}

template <Dtype from, Dtype to>
Status infer_flat(const Call& call, TensorInfo* out) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, from, 0, &x, &params));
  if (x.strides != nullptr) return bad_argument(call.op, "x", "a tensor with strides", "a contiguous tensor");
  *out = x.info;
  out->dtype = to;
  return {};
}

Status run_quantize(const Call& call, const TensorInfo&, void* out, const Context& context) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::float32, 0, &x, &params));
  return quantize(static_cast<const float*>(x.data), x.info.count(), params.scale, params.zero_point,
                  static_cast<int8_t*>(out), context);
}

Status run_dequantize(const Call& call, const TensorInfo&, void* out, const Context& context) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::int8, 0, &x, &params));
  return dequantize(static_cast<const int8_t*>(x.data), x.info.count(), params.scale, params.zero_point,
                    static_cast<float*>(out), context);
}

// float32 [N, C, H, W] of any strides -> int8 [N, H, W, C]
Status infer_quantize_nhwc(const Call& call, TensorInfo* out) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::float32, 4, &x, &params));
  const int64_t* s = x.info.sizes;
  *out = image_info({s[0], s[2], s[3], s[1]});
  return {};
}

Status run_quantize_nhwc(const Call& call, const TensorInfo& info, void* out, const Context& context) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::float32, 4, &x, &params));
  const int64_t* s = info.sizes;
  const int64_t contiguous[4] = {s[3] * s[1] * s[2], s[1] * s[2], s[2], 1};
  return quantize_nhwc(static_cast<const float*>(x.data), {s[0], s[1], s[2], s[3]},
                       x.strides == nullptr ? contiguous : x.strides, params.scale, params.zero_point,
                       static_cast<int8_t*>(out), context);
}

// int8 [N, H, W, C] -> float32 [N, C, H, W]
Status infer_dequantize_nchw(const Call& call, TensorInfo* out) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::int8, 4, &x, &params));
  const int64_t* s = x.info.sizes;
  *out = {Dtype::float32, 4, {s[0], s[3], s[1], s[2]}};
  return {};
}

Status run_dequantize_nchw(const Call& call, const TensorInfo&, void* out, const Context& context) {
  Operand x;
  QParams params{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::int8, 4, &x, &params));
  const int64_t* s = x.info.sizes;
  return dequantize_nchw(static_cast<const int8_t*>(x.data), {s[0], s[1], s[2], s[3]}, params.scale, params.zero_point,
                         static_cast<float*>(out), context);
}

Status infer_lut(const Call& call, TensorInfo* out) {
  Arguments in(call);
  *out = in.operand(0, Dtype::int8).info;
  const int64_t entries = in.operand(1, Dtype::int8, 1).info.sizes[0];
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (entries != 256) return bad_argument(call.op, "table", std::to_string(entries) + " entries", "256");
  return {};
}

Status run_lut(const Call& call, const TensorInfo& info, void* out, const Context& context) {
  Arguments in(call);
  const int8_t* x = in.codes(0);
  const int8_t* table = in.codes(1, 1);
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  return lut(x, info.count(), table, static_cast<int8_t*>(out), context);
}

}  // namespace

extern const OpDef quantize_op, dequantize_op, quantize_nhwc_op, dequantize_nchw_op, lut_op;
const OpDef quantize_op{"quantize", infer_flat<Dtype::float32, Dtype::int8>, nullptr, run_quantize};
const OpDef dequantize_op{"dequantize", infer_flat<Dtype::int8, Dtype::float32>, nullptr, run_dequantize};
const OpDef quantize_nhwc_op{"quantize_nhwc", infer_quantize_nhwc, nullptr, run_quantize_nhwc};
const OpDef dequantize_nchw_op{"dequantize_nchw", infer_dequantize_nchw, nullptr, run_dequantize_nchw};
const OpDef lut_op{"lut", infer_lut, nullptr, run_lut};

}  // namespace mobilekernels::segment
