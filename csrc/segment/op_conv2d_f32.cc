#include "ops/conv2d_f32.h"

#include "ops/conv2d.h"
#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

Status decode(const Call& call, Conv2dF32Args* args) {
  Arguments in(call);
  const Operand& x = in.operand(0, Dtype::float32, 4);
  const int64_t* sizes = x.info.sizes;
  args->shape = {sizes[0], sizes[2], sizes[3], sizes[1]};
  const Operand& packed = in.operand(1, Dtype::int8, 1);
  args->packed_bytes = static_cast<size_t>(packed.info.count());
  args->out_channels = in.integer();
  args->window = in.window_of(true);
  args->groups = in.integer();
  args->lo = static_cast<float>(in.number());
  args->hi = static_cast<float>(in.number());
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (x.strides == nullptr) return {};
  return bad_argument(call.op, "x", "a tensor with strides", "a contiguous tensor, [N, C, H, W]");
}

Status infer(const Call& call, TensorInfo* out) {
  Conv2dF32Args args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &args));
  Shape4 shape{};
  MOBILEKERNELS_RETURN_IF_ERROR(conv2d_output_shape(args.shape, args.out_channels, args.window, &shape));
  *out = {Dtype::float32, 4, {shape.n, shape.c, shape.h, shape.w}};
  return {};
}

size_t workspace(const Call& call, int threads) {
  Conv2dF32Args args{};
  return decode(call, &args).ok() ? conv2d_f32_workspace(args, threads) : 0;
}

Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  Conv2dF32Args decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    Conv2dF32Args args = decoded;
    args.x = static_cast<const float*>(inputs[0].data);
    args.packed = inputs[1].data;
    args.out = static_cast<float*>(out);
    return conv2d_f32(args, context);
  };
  return {};
}

}  // namespace

extern const OpDef conv2d_f32_op;
const OpDef conv2d_f32_op{"conv2d_f32", infer, workspace, prepare};

}  // namespace mobilekernels::segment
