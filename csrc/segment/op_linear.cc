#include "ops/linear.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

template <bool kToFloat>
Status decode(const Call& call, LinearArgs* args) {
  Arguments in(call);
  const Operand& x = in.operand(0, Dtype::int8);
  const Rows rows = rows_of(x.info);
  args->rows = rows.outer;
  args->in_features = rows.channels;
  const Operand& packed = in.operand(1, Dtype::int8, 1);
  args->packed_bytes = static_cast<size_t>(packed.info.count());
  args->out_features = in.integer();
  args->x_zero_point = in.code();
  args->output = kToFloat ? OutputRange{0, -128, 127} : in.range();
  return in.finish();
}

template <bool kToFloat>
Status infer(const Call& call, TensorInfo* out) {
  LinearArgs args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode<kToFloat>(call, &args));
  *out = call.inputs[0].info;
  if (out->dims < 1) return bad_argument(call.op, "x", "shape []", "[..., in_features]");
  out->dtype = kToFloat ? Dtype::float32 : Dtype::int8;
  out->sizes[out->dims - 1] = args.out_features;
  return {};
}

template <bool kToFloat>
size_t workspace(const Call& call, int threads) {
  LinearArgs args{};
  return decode<kToFloat>(call, &args).ok() ? linear_workspace(args, threads) : 0;
}

template <bool kToFloat>
Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  LinearArgs decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode<kToFloat>(call, &decoded));
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    LinearArgs args = decoded;
    args.x = codes_of(inputs[0]);
    args.packed = inputs[1].data;
    if constexpr (kToFloat) {
      args.out_float = static_cast<float*>(out);
    } else {
      args.out = static_cast<int8_t*>(out);
    }
    return linear(args, context);
  };
  return {};
}

}  // namespace

extern const OpDef linear_op, linear_float_op;
const OpDef linear_op{"linear", infer<false>, workspace<false>, prepare<false>};
const OpDef linear_float_op{"linear_float", infer<true>, workspace<true>, prepare<true>};

}  // namespace mobilekernels::segment
