#include "ops/conv2d.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

enum class Form { plain, with_add, to_float };

struct Decoded {
  Conv2dArgs args{};
  Conv2dResidual residual{};
};

template <Form form>
Status decode(const Call& call, Decoded* decoded) {
  Arguments in(call);
  Conv2dArgs& args = decoded->args;
  args.shape = in.image(0);
  args.x_u8 = call.inputs[0].u8;
  args.out_u8 = call.out_u8;
  const Operand& packed = in.operand(1, Dtype::int8, 1);
  args.packed_bytes = static_cast<size_t>(packed.info.count());
  args.out_channels = in.integer();
  args.window = in.window_of(true);
  args.groups = in.integer();
  args.x_zero_point = in.code();
  if constexpr (form == Form::plain) args.output = in.range();
  if constexpr (form == Form::with_add) {
    Conv2dResidual& residual = decoded->residual;
    in.operand(2, Dtype::int8, 4);
    residual.main.scale = in.number();
    residual.main_range = in.range();
    residual.main.zero_point = residual.main_range.zero_point;
    residual.params = in.qparams();
    residual.sum.scale = in.number();
    args.output = in.range();
    residual.sum.zero_point = args.output.zero_point;
  }
  return in.finish();
}

template <Form form>
Status infer(const Call& call, TensorInfo* out) {
  Decoded decoded;
  MOBILEKERNELS_RETURN_IF_ERROR(decode<form>(call, &decoded));
  Shape4 shape{};
  MOBILEKERNELS_RETURN_IF_ERROR(
      conv2d_output_shape(decoded.args.shape, decoded.args.out_channels, decoded.args.window, &shape));
  *out = image_info(shape, form == Form::to_float ? Dtype::float32 : Dtype::int8);
  if constexpr (form == Form::with_add) {
    const int64_t* r = call.inputs[2].info.sizes;
    for (int i = 0; i < 4; ++i) {
      if (r[i] != out->sizes[i]) {
        return bad_argument(call.op, "residual", "size " + std::to_string(r[i]) + " in dimension " + std::to_string(i),
                            std::to_string(out->sizes[i]) + ", the output's");
      }
    }
  }
  return {};
}

template <Form form>
size_t workspace(const Call& call, int threads) {
  Decoded decoded;
  return decode<form>(call, &decoded).ok() ? conv2d_workspace(decoded.args, threads) : 0;
}

template <Form form>
Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  Decoded decoded;
  MOBILEKERNELS_RETURN_IF_ERROR(decode<form>(call, &decoded));
  if constexpr (form == Form::to_float) decoded.args.output = {0, -128, 127};
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    Conv2dArgs args = decoded.args;
    Conv2dResidual residual = decoded.residual;
    args.x = codes_of(inputs[0]);
    args.packed = inputs[1].data;
    if constexpr (form == Form::with_add) {
      residual.data = codes_of(inputs[2]);
      args.residual = &residual;
    }
    if constexpr (form == Form::to_float) {
      args.out_float = static_cast<float*>(out);
    } else {
      args.out = static_cast<int8_t*>(out);
    }
    return conv2d(args, context);
  };
  return {};
}

// A residual is int8 always.
template <Form form>
bool reads_u8(const Call& call, int i) {
  Decoded decoded;
  return i == 0 && decode<form>(call, &decoded).ok() && conv2d_takes_u8(decoded.args);
}

template <Form form>
bool writes_u8(const Call& call) {
  Decoded decoded;
  return decode<form>(call, &decoded).ok() && conv2d_writes_u8(decoded.args);
}

template <Form form>
constexpr OpDef define(const char* name) {
  return {name,          infer<form>,    workspace<form>,
          prepare<form>, reads_u8<form>, form == Form::to_float ? nullptr : writes_u8<form>};
}

}  // namespace

extern const OpDef conv2d_op, conv2d_add_op, conv2d_float_op;
const OpDef conv2d_op = define<Form::plain>("conv2d");
const OpDef conv2d_add_op = define<Form::with_add>("conv2d_add");
const OpDef conv2d_float_op = define<Form::to_float>("conv2d_float");

}  // namespace mobilekernels::segment
