#include "ops/depthwise.h"

#include <algorithm>

#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

DepthwiseShape kernel_shape(const Shape4& shape, const Window& w, int64_t out_w, int64_t out_channels) {
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  return {size(shape.h),    size(shape.w),      size(out_channels), size(out_channels / shape.c),
          size(out_w),      size(w.kernel_h),   size(w.kernel_w),   size(w.stride_h),
          size(w.stride_w), size(w.dilation_h), size(w.dilation_w), size(w.pad_top),
          size(w.pad_left)};
}

// Rows begin .. end - 1 of image n.
void run_rows(const DepthwiseConv& conv, const DepthwiseKernel& kernel, int64_t n, int64_t begin, int64_t end,
              void* scratch) {
  const int64_t first = (n * conv.out_h + begin) * conv.out_w * conv.out_channels;
  DepthwiseArgs args{};
  args.shape = kernel_shape(conv.shape, conv.window, conv.out_w, conv.out_channels);
  args.x = conv.x + n * conv.shape.h * conv.shape.w * conv.shape.c;
  args.x_u8 = conv.x_u8;
  args.zero_point = static_cast<int8_t>(conv.x_zero_point);
  args.w = conv.w;
  args.row_begin = static_cast<size_t>(begin);
  args.row_end = static_cast<size_t>(end);
  args.out = conv.out == nullptr ? nullptr : conv.out + first;
  args.out_float = conv.out_float == nullptr ? nullptr : conv.out_float + first;
  args.out_stride = static_cast<size_t>(conv.out_channels);
  args.epilogue = conv.epilogue;
  ResidualAdd residual{};
  if (conv.epilogue.residual != nullptr) {
    residual = *conv.epilogue.residual;
    residual.data += first;
    args.epilogue.residual = &residual;
  }
  args.scratch = scratch;
  args.epilogue.out_u8 = conv.epilogue.out_u8 && kernel.writes_u8;
  kernel.run(args);
  if (conv.epilogue.out_u8 && !kernel.writes_u8 && conv.out != nullptr) {
    const int64_t bytes = (end - begin) * conv.out_w * conv.out_channels;
    for (int64_t i = 0; i < bytes; ++i) args.out[i] = static_cast<int8_t>(args.out[i] ^ 0x80);
  }
}

}  // namespace

size_t depthwise_workspace(const Shape4& shape, const Window& window, int64_t out_w, int64_t out_channels,
                           int threads) {
  return depthwise_scratch_bytes(kernel_shape(shape, window, out_w, out_channels)) *
         static_cast<size_t>(std::max(threads, 1));
}

void depthwise_conv(const DepthwiseConv& conv, const Context& context) {
  const DepthwiseKernel& kernel = select_depthwise();
  const size_t scratch_bytes = depthwise_workspace(conv.shape, conv.window, conv.out_w, conv.out_channels, 1);
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t row_macs = conv.out_w * conv.out_channels * conv.window.kernel_h * conv.window.kernel_w;
  parallel_for(context, conv.shape.n * conv.out_h, kGrainMacs / row_macs + 1,
               [&](int task, int64_t begin, int64_t end) {
                 void* scratch = static_cast<char*>(context.workspace) + static_cast<size_t>(task) * scratch_bytes;
                 while (begin < end) {
                   const int64_t n = begin / conv.out_h, first = begin % conv.out_h;
                   const int64_t last = std::min(conv.out_h, first + end - begin);
                   run_rows(conv, kernel, n, first, last, scratch);
                   begin += last - first;
                 }
               });
}

}  // namespace mobilekernels
