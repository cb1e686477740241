#include "ops/linear_f32.h"

#include "segment/linear.h"

namespace mobilekernels::segment {
namespace {

Status decode(const Call& call, LinearF32Args* args) {
  Arguments in(call);
  const Operand& x = read_linear(&in, Dtype::float32, args);
  args->out_features = in.integer();
  args->lo = static_cast<float>(in.number());
  args->hi = static_cast<float>(in.number());
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (x.strides == nullptr) return {};
  return bad_argument(call.op, "x", "a tensor with strides", "a contiguous tensor");
}

Status infer(const Call& call, TensorInfo* out) {
  LinearF32Args args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &args));
  return infer_linear(call, args.out_features, Dtype::float32, out);
}

size_t workspace(const Call& call, int threads) {
  LinearF32Args args{};
  return decode(call, &args).ok() ? linear_f32_workspace(args, threads) : 0;
}

Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  LinearF32Args decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    LinearF32Args args = decoded;
    args.x = static_cast<const float*>(inputs[0].data);
    args.packed = inputs[1].data;
    args.out = static_cast<float*>(out);
    return linear_f32(args, context);
  };
  return {};
}

}  // namespace

extern const OpDef linear_f32_op;
const OpDef linear_f32_op{"linear_f32", infer, workspace, prepare};

}  // namespace mobilekernels::segment
