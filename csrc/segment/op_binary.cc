#include "ops/binary.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

static_assert(kMaxDims == kMaxBinaryDims, "a broadcast result must fit");

Status decode(const Call& call, BinaryArgs* args) {
  Arguments in(call);
  BinaryOperand* const operands[] = {&args->a, &args->b};
  for (int i = 0; i < 2; ++i) {
    const Operand& operand = in.operand(i, Dtype::int8);
    const QParams params = in.qparams();
    *operands[i] = {nullptr, operand.info.sizes, operand.info.dims, params.scale, params.zero_point};
  }
  args->out_scale = in.number();
  args->output = in.range();
  return in.finish();
}

Status infer(const Call& call, TensorInfo* out) {
  BinaryArgs args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &args));
  out->dtype = Dtype::int8;
  return binary_output_shape(args.a, args.b, out->sizes, &out->dims);
}

template <Status (*function)(const BinaryArgs&, const Context&)>
Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  BinaryArgs decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  // The operands of a call point to its sizes, which are gone then.
  const TensorInfo a = call.inputs[0].info, b = call.inputs[1].info;
  *runner = [decoded, a, b](const Source* inputs, void* out, const Context& context) {
    BinaryArgs args = decoded;
    args.a.data = codes_of(inputs[0]);
    args.a.sizes = a.sizes;
    args.b.data = codes_of(inputs[1]);
    args.b.sizes = b.sizes;
    args.out = static_cast<int8_t*>(out);
    return function(args, context);
  };
  return {};
}

}  // namespace

extern const OpDef add_op, mul_op;
const OpDef add_op{"add", infer, nullptr, prepare<add>};
const OpDef mul_op{"mul", infer, nullptr, prepare<mul>};

}  // namespace mobilekernels::segment
