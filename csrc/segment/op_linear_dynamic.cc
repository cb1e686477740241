#include "ops/linear_dynamic.h"

#include "segment/linear.h"

namespace mobilekernels::segment {
namespace {

Status decode(const Call& call, LinearDynamicArgs* args) {
  Arguments in(call);
  const Operand& x = read_linear(&in, Dtype::float32, args);
  const Operand& bias = in.operand(2, Dtype::float32, 1);
  args->out_features = in.integer();
  DynamicQuantization& q = args->quantization;
  q.per_row = in.boolean();
  q.symmetric = in.boolean();
  q.quant_min = in.code();
  q.quant_max = in.code();
  q.eps = in.number();
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (bias.info.count() != args->out_features) {
    return bad_argument(call.op, "bias", std::to_string(bias.info.count()) + " values",
                        std::to_string(args->out_features));
  }
  if (x.strides == nullptr && bias.strides == nullptr) return {};
  return bad_argument(call.op, x.strides != nullptr ? "x" : "bias", "a tensor with strides", "a contiguous tensor");
}

Status infer(const Call& call, TensorInfo* out) {
  LinearDynamicArgs args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &args));
  return infer_linear(call, args.out_features, Dtype::float32, out);
}

size_t workspace(const Call& call, int threads) {
  LinearDynamicArgs args{};
  return decode(call, &args).ok() ? linear_dynamic_workspace(args, threads) : 0;
}

Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  LinearDynamicArgs decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    LinearDynamicArgs args = decoded;
    args.x = static_cast<const float*>(inputs[0].data);
    args.packed = inputs[1].data;
    args.bias = static_cast<const float*>(inputs[2].data);
    args.out = static_cast<float*>(out);
    return linear_dynamic(args, context);
  };
  return {};
}

}  // namespace

extern const OpDef linear_dynamic_op;
const OpDef linear_dynamic_op{"linear_dynamic", infer, workspace, prepare};

}  // namespace mobilekernels::segment
