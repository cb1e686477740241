#include "ops/pool2d.h"

#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

Status decode(const Call& call, Pool2dArgs* args) {
  Arguments in(call);
  args->shape = in.image(0);
  args->window = in.window_of(true);
  args->ceil_mode = in.boolean();
  return in.finish();
}

Status decode(const Call& call, AveragePool2dArgs* args) {
  Arguments in(call);
  args->pool.shape = in.image(0);
  args->pool.window = in.window_of(false);
  args->pool.ceil_mode = in.boolean();
  args->count_include_pad = in.boolean();
  args->divisor_override = in.integer();
  const QParams x = in.qparams();
  args->x_scale = x.scale;
  args->x_zero_point = x.zero_point;
  args->out_scale = in.number();
  args->output = in.range();
  return in.finish();
}

Status decode(const Call& call, AdaptiveAveragePool2dArgs* args) {
  Arguments in(call);
  args->shape = in.image(0);
  args->out_h = in.integer();
  args->out_w = in.integer();
  const QParams x = in.qparams();
  args->x_scale = x.scale;
  args->x_zero_point = x.zero_point;
  args->out_scale = in.number();
  args->output = in.range();
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  for (const int64_t size : {args->out_h, args->out_w}) {
    if (size < 1 || size > INT32_MAX) {
      return bad_argument(call.op, "output_size", std::to_string(size), "1 to " + std::to_string(INT32_MAX));
    }
  }
  return {};
}

Status output_shape(const Pool2dArgs& args, Shape4* shape) {
  return pool2d_output_shape(args.shape, args.window, args.ceil_mode, shape);
}
Status output_shape(const AveragePool2dArgs& args, Shape4* shape) { return output_shape(args.pool, shape); }
Status output_shape(const AdaptiveAveragePool2dArgs& args, Shape4* shape) {
  *shape = {args.shape.n, args.out_h, args.out_w, args.shape.c};
  return check_shape("adaptive_avg_pool2d", "output_size", *shape);
}

size_t needed(const Pool2dArgs& args, int threads) { return pool2d_workspace(args.shape, args.window, threads); }
size_t needed(const AveragePool2dArgs& args, int threads) { return needed(args.pool, threads); }
size_t needed(const AdaptiveAveragePool2dArgs& args, int threads) {
  return adaptive_average_pool2d_workspace(args, threads);
}

template <typename Args>
void set_memory(const int8_t* x, int8_t* out, Args* args) {
  args->x = x;
  args->out = out;
}
void set_memory(const int8_t* x, int8_t* out, AveragePool2dArgs* args) { set_memory(x, out, &args->pool); }

template <typename Args>
Status infer(const Call& call, TensorInfo* out) {
  Args args{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &args));
  Shape4 shape{};
  MOBILEKERNELS_RETURN_IF_ERROR(output_shape(args, &shape));
  *out = image_info(shape);
  return {};
}

template <typename Args>
size_t workspace(const Call& call, int threads) {
  Args args{};
  return decode(call, &args).ok() ? needed(args, threads) : 0;
}

template <typename Args, Status (*function)(const Args&, const Context&)>
Status prepare(const Call& call, const TensorInfo&, Runner* runner) {
  Args decoded{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  *runner = [decoded](const Source* inputs, void* out, const Context& context) {
    Args args = decoded;
    set_memory(codes_of(inputs[0]), static_cast<int8_t*>(out), &args);
    return function(args, context);
  };
  return {};
}

template <typename Args, Status (*function)(const Args&, const Context&)>
constexpr OpDef define(const char* name) {
  return {name, infer<Args>, workspace<Args>, prepare<Args, function>};
}

}  // namespace

extern const OpDef max_pool2d_op, avg_pool2d_op, adaptive_avg_pool2d_op;
const OpDef max_pool2d_op = define<Pool2dArgs, max_pool2d>("max_pool2d");
const OpDef avg_pool2d_op = define<AveragePool2dArgs, average_pool2d>("avg_pool2d");
const OpDef adaptive_avg_pool2d_op = define<AdaptiveAveragePool2dArgs, adaptive_average_pool2d>("adaptive_avg_pool2d");

}  // namespace mobilekernels::segment
