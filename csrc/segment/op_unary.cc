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
Status prepare_flat(const Call& call, const TensorInfo& info, Runner* runner) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, from, 0, &d));
  *runner = [params = d.params, count = info.count()](const Source* inputs, void* out, const Context& context) {
    return function(static_cast<const From*>(inputs[0].data), count, params.scale, params.zero_point,
                    static_cast<To*>(out), context);
  };
  return {};
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

Status prepare_quantize_nhwc(const Call& call, const TensorInfo& info, Runner* runner) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::float32, 4, &d));
  const int64_t* s = info.sizes;
  *runner = [params = d.params, shape = Shape4{s[0], s[1], s[2], s[3]}](const Source* inputs, void* out,
                                                                        const Context& context) {
    const int64_t contiguous[4] = {shape.c * shape.h * shape.w, shape.h * shape.w, shape.w, 1};
    return quantize_nhwc(static_cast<const float*>(inputs[0].data), shape,
                         inputs[0].strides == nullptr ? contiguous : inputs[0].strides, params.scale, params.zero_point,
                         static_cast<int8_t*>(out), context);
  };
  return {};
}

Status prepare_dequantize_nchw(const Call& call, const TensorInfo&, Runner* runner) {
  Decoded d;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, Dtype::int8, 4, &d));
  const int64_t* s = d.x.info.sizes;
  *runner = [params = d.params, shape = Shape4{s[0], s[1], s[2], s[3]}](const Source* inputs, void* out,
                                                                        const Context& context) {
    return dequantize_nchw(codes_of(inputs[0]), shape, params.scale, params.zero_point, static_cast<float*>(out),
                           context);
  };
  return {};
}

Status infer_lut(const Call& call, TensorInfo* out) {
  Arguments in(call);
  *out = in.operand(0, Dtype::int8).info;
  const int64_t entries = in.operand(1, Dtype::int8, 1).info.sizes[0];
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (entries != 256) return bad_argument(call.op, "table", std::to_string(entries) + " entries", "256");
  return {};
}

Status prepare_lut(const Call&, const TensorInfo& info, Runner* runner) {
  *runner = [count = info.count()](const Source* inputs, void* out, const Context& context) {
    return lut(codes_of(inputs[0]), count, codes_of(inputs[1]), static_cast<int8_t*>(out), context);
  };
  return {};
}

}  // namespace

extern const OpDef quantize_op, dequantize_op, quantize_nhwc_op, dequantize_nchw_op, lut_op;
const OpDef quantize_op{"quantize", infer_flat<Dtype::float32, Dtype::int8>, nullptr,
                        prepare_flat<Dtype::float32, float, int8_t, quantize>};
const OpDef dequantize_op{"dequantize", infer_flat<Dtype::int8, Dtype::float32>, nullptr,
                          prepare_flat<Dtype::int8, int8_t, float, dequantize>};
const OpDef quantize_nhwc_op{"quantize_nhwc", infer_image<Dtype::float32, 2, 3, 1>, nullptr, prepare_quantize_nhwc};
const OpDef dequantize_nchw_op{"dequantize_nchw", infer_image<Dtype::int8, 3, 1, 2>, nullptr, prepare_dequantize_nchw};
const OpDef lut_op{"lut", infer_lut, nullptr, prepare_lut};

}  // namespace mobilekernels::segment
