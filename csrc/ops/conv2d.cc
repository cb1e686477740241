#include "ops/conv2d.h"

#include <algorithm>
#include <string>

#include "ops/check.h"
#include "ops/depthwise.h"
#include "ops/rows.h"
#include "ops/sparse_gemm.h"
#include "pack/format.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

Status argument_error(const char* argument, const std::string& given, const std::string& accepted) {
  return bad_argument("conv2d", argument, given, accepted);
}

std::string pair(int64_t a, int64_t b) { return "(" + std::to_string(a) + ", " + std::to_string(b) + ")"; }

Status check_packed(const Conv2dArgs& args, const PackedHeader& h) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type("conv2d", h, false));
  const Window& w = args.window;
  if (h.out_channels != args.out_channels) {
    return argument_error("out_channels", std::to_string(args.out_channels),
                          std::to_string(h.out_channels) + " (as packed)");
  }
  if (h.in_channels != args.shape.c) {
    return argument_error("x", std::to_string(args.shape.c) + " channels",
                          std::to_string(h.in_channels) + " channels (as packed)");
  }
  if (h.kernel_h != w.kernel_h || h.kernel_w != w.kernel_w) {
    return argument_error("kernel_size", pair(w.kernel_h, w.kernel_w), pair(h.kernel_h, h.kernel_w) + " (as packed)");
  }
  if (h.groups != args.groups) {
    return argument_error("groups", std::to_string(args.groups), std::to_string(h.groups) + " (as packed)");
  }
  if (h.input_zero_point != args.x_zero_point) {
    return argument_error("x_zero_point", std::to_string(args.x_zero_point),
                          std::to_string(h.input_zero_point) + " (as packed)");
  }
  return {};
}

// The convolution's own int8 result, in front of the addition.
Status check_main_range(const OutputRange& range) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_zero_point("conv2d", "conv_zero_point", range.zero_point));
  if (range.lo < -128 || range.hi > 127 || range.lo > range.hi) {
    return argument_error("conv_min, conv_max", pair(range.lo, range.hi), "-128 <= conv_min <= conv_max <= 127");
  }
  return {};
}

Status make_residual(const Conv2dArgs& args, ResidualAdd* add) {
  const Conv2dResidual& r = *args.residual;
  MOBILEKERNELS_RETURN_IF_ERROR(check_main_range(r.main_range));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale("conv2d", "conv_scale", r.main.scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale("conv2d", "residual_scale", r.params.scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_zero_point("conv2d", "residual_zero_point", r.params.zero_point));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale("conv2d", "out_scale", r.sum.scale));
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("conv2d", "out_scale", r.main.scale, r.sum.scale, &add->main_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("conv2d", "out_scale", r.params.scale, r.sum.scale, &add->residual_scale));
  add->data = r.data;
  add->stride = static_cast<size_t>(args.out_channels);
  add->residual_zero_point = r.params.zero_point;
  add->output = args.output;
  return {};
}

bool is_depthwise(int64_t in_channels, int64_t groups) { return groups > 1 && groups == in_channels; }

RowSource row_source(const Conv2dArgs& args, const Shape4& out, int64_t groups) {
  return {args.x, args.shape, args.window, out.h, out.w, args.shape.c / groups, args.x_zero_point, args.x_u8};
}

}  // namespace

Status conv2d_output_shape(const Shape4& shape, int64_t out_channels, const Window& w, Shape4* out) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_shape("conv2d", "x", shape));
  MOBILEKERNELS_RETURN_IF_ERROR(check_window("conv2d", w));
  if (out_channels < 1) return argument_error("out_channels", std::to_string(out_channels), "at least 1");
  const int64_t h = shape.h + w.pad_top + w.pad_bottom - w.dilation_h * (w.kernel_h - 1) - 1;
  const int64_t width = shape.w + w.pad_left + w.pad_right - w.dilation_w * (w.kernel_w - 1) - 1;
  if (h < 0 || width < 0) {
    return argument_error("x", "an image of " + pair(shape.h, shape.w),
                          "one that, padded, is no smaller than the dilated kernel of " +
                              pair(w.dilation_h * (w.kernel_h - 1) + 1, w.dilation_w * (w.kernel_w - 1) + 1));
  }
  *out = {shape.n, h / w.stride_h + 1, width / w.stride_w + 1, out_channels};
  return check_shape("conv2d", "out", *out);
}

bool conv2d_takes_u8(const Conv2dArgs& args) {
  return is_depthwise(args.shape.c, args.groups) ? select_depthwise().reads_u8 : select_gemm().writes_u8;
}

bool conv2d_writes_u8(const Conv2dArgs& args) {
  return is_depthwise(args.shape.c, args.groups) ? select_depthwise().writes_u8 : select_gemm().writes_u8;
}

const char* conv2d_family(int64_t in_channels, int64_t groups, bool block_sparse) {
  if (is_depthwise(in_channels, groups)) return "depthwise";
  return block_sparse ? "spgemm" : "gemm";
}

size_t conv2d_workspace(const Conv2dArgs& args, int threads) {
  Shape4 out;
  if (!conv2d_output_shape(args.shape, args.out_channels, args.window, &out).ok()) return 0;
  if (is_depthwise(args.shape.c, args.groups)) {
    return depthwise_workspace(args.shape, args.window, out.w, args.out_channels, threads);
  }
  const int64_t groups = args.groups < 1 ? 1 : args.groups;
  // The packed weight need not be there yet: enough for both formats it may have.
  const RowSource source = row_source(args, out, groups);
  return std::max(row_gemm_workspace(source, args.out_channels, groups, threads),
                  sparse_gemm_workspace(source, threads));
}

Status conv2d(const Conv2dArgs& args, const Context& context) {
  Shape4 out;
  MOBILEKERNELS_RETURN_IF_ERROR(conv2d_output_shape(args.shape, args.out_channels, args.window, &out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_output_range("conv2d", args.output));
  PackedWeight packed;
  MOBILEKERNELS_RETURN_IF_ERROR(open_packed(args.packed, args.packed_bytes, &packed));
  MOBILEKERNELS_RETURN_IF_ERROR(check_packed(args, packed.header));
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace("conv2d", context, conv2d_workspace(args, context.threads)));
  ResidualAdd residual{};
  Epilogue epilogue{packed.bias, packed.wsum, packed.scale, args.output, nullptr, args.out_u8};
  if (args.residual != nullptr) {
    MOBILEKERNELS_RETURN_IF_ERROR(make_residual(args, &residual));
    epilogue.output = args.residual->main_range;
    epilogue.residual = &residual;
  }
  if (out.n == 0) return {};
  if (packed.header.format == PackedFormat::depthwise) {
    depthwise_conv({args.x, args.x_u8, args.shape, args.window, out.h, out.w, args.out_channels, args.x_zero_point,
                    packed.weights, epilogue, args.out, args.out_float},
                   context);
    return {};
  }
  if (packed.header.format == PackedFormat::block_sparse) {
    sparse_gemm({row_source(args, out, args.groups), packed, epilogue, args.out, args.out_float}, context);
    return {};
  }
  row_gemm({row_source(args, out, args.groups), packed.weights, args.out_channels, args.groups, epilogue, args.out,
            args.out_float},
           context);
  return {};
}

}  // namespace mobilekernels
