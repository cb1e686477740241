#include "ops/linear.h"

#include "segment/linear.h"

namespace mobilekernels::segment {
namespace {

template <bool kToFloat>
Status decode(const Call& call, LinearArgs* args) {
  Arguments in(call);
  read_linear(&in, Dtype::int8, args);
  args->out_features = in.integer();
  args->x_zero_point = in.code();
  args->output = kToFloat ? OutputRange{0, -128, 127} : in.range();
  return in.finish();
}

template <bool kToFloat>
Status infer(const Call& call, TensorInfo* out) {
  LinearArgs args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode<kToFloat>(call, &args));
  return infer_linear(call, args.out_features, kToFloat ? Dtype::float32 : Dtype::int8, out);
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
