#include "ops/unary.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

// The operand and parameters of an operator between dtypes; any rank where `dims` is 0.
struct Decoded {
  Operand x;
  QParams params;
};

Status decode(const Call& call, Dtype from, int dims, Decoded* decoded) {
  Arguments in(call);
  decoded->x = in.operand(0, from, dims);
  decoded->params = in.qparams();
  return in.finish();
}

// Contiguous, any shape, both ways.
template <Dtype from, Dtype to>
Status infer_flat(const Call& call, TensorInfo* out) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, from, 0, &d));
  if (d.x.strides != nullptr) return bad_argument(call.op, "x", "a tensor with strides", "a contiguous tensor");
  *out = d.x.info;
  out->dtype = to;
  return {};
}

template <Dtype from, typename From, typename To,
          Status (*function)(const From*, int64_t, double, int32_t, To*, const Context&)>
Status run_flat(const Call& call, const TensorInfo& info, void* out, const Context& context) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, from, 0, &d));
  return function(static_cast<const From*>(d.x.data), info.count(), d.params.scale, d.params.zero_point,
                  static_cast<To*>(out), context);
}

// float32 [N, C, H, W] of any strides -> int8 [N, H, W, C], or int8 [N, H, W, C] -> float32 [N, C, H, W].
template <Dtype from, int first, int second, int third>
Status infer_image(const Call& call, TensorInfo* out) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, from, 4, &d));
  const int64_t* s = d.x.info.sizes;
  *out = {from == Dtype::float32 ? Dtype::int8 : Dtype::float32, 4, {s[0], s[first], s[second], s[third]}};
  return {};
}

Status run_quantize_nhwc(const Call& call, const TensorInfo& info, void* out, const Context& context) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::float32, 4, &d));
  const int64_t* s = info.sizes;
  const int64_t contiguous[4] = {s[3] * s[1] * s[2], s[1] * s[2], s[2], 1};
  return quantize_nhwc(static_cast<const float*>(d.x.data), {s[0], s[1], s[2], s[3]},
                       d.x.strides == nullptr ? contiguous : d.x.strides, d.params.scale, d.params.zero_point,
                       static_cast<int8_t*>(out), context);
}

Status run_dequantize_nchw(const Call& call, const TensorInfo&, void* out, const Context& context) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::int8, 4, &d));
  const int64_t* s = d.x.info.sizes;
  return dequantize_nchw(static_cast<const int8_t*>(d.x.data), {s[0], s[1], s[2], s[3]}, d.params.scale,
                         d.params.zero_point, static_cast<float*>(out), context);
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
const OpDef quantize_op{"quantize", infer_flat<Dtype::float32, Dtype::int8>, nullptr,
                        run_flat<Dtype::float32, float, int8_t, quantize>};
const OpDef dequantize_op{"dequantize", infer_flat<Dtype::int8, Dtype::float32>, nullptr,
                          run_flat<Dtype::int8, int8_t, float, dequantize>};
const OpDef quantize_nhwc_op{"quantize_nhwc", infer_image<Dtype::float32, 2, 3, 1>, nullptr, run_quantize_nhwc};
const OpDef dequantize_nchw_op{"dequantize_nchw", infer_image<Dtype::int8, 3, 1, 2>, nullptr, run_dequantize_nchw};
const OpDef lut_op{"lut", infer_lut, nullptr, run_lut};

}  // namespace mobilekernels::segment
