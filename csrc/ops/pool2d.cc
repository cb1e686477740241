#include "ops/pool2d.h"

#include <cstring>
#include <string>

#include "ops/check.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr size_t kAlignment = 64;
constexpr int64_t kGrain = 32 * 1024;  // values read by a task

// The most values averaged: 255 times as many fit in int32, so no sum of them less zero points overflows.
constexpr int64_t kMaxAveraged = INT32_MAX / 255;

int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }
int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Taps of a window along one axis that lie inside the image: positions first, first + step, ... `count` of them.
struct Taps {
  int64_t first, count;
};

Taps taps_inside(int64_t start, int64_t kernel, int64_t step, int64_t size) {
  const int64_t skipped = start < 0 ? (-start + step - 1) / step : 0;
  const int64_t first = start + skipped * step;
  if (first >= size) return {0, 0};
  return {first, greater(0, smaller(kernel - skipped, (size - first + step - 1) / step))};
}

// Outputs begin .. end - 1 of an axis.
struct Span {
  int64_t begin, end;
};

// Those of `out` whose windows lie inside the image. Empty: begin == end.
Span windows_inside(int64_t out, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  const int64_t last_start = size + pad - dilation * (kernel - 1) - 1;
  const int64_t begin = smaller(out, (pad + stride - 1) / stride);
  return {begin, last_start < 0 ? begin : greater(begin, smaller(out, last_start / stride + 1))};
}

// Scratch of one task: a pointer for each tap, and sums.
struct Scratch {
  size_t pointers, sums;

  Scratch(int64_t taps, int64_t channels)
      : pointers(aligned(static_cast<size_t>(taps) * sizeof(const int8_t*))),
        sums(aligned(static_cast<size_t>(channels) * sizeof(int32_t))) {}
  size_t bytes() const { return pointers + sums; }
  const int8_t** pointers_of(const Context& context, int task) const {
    return reinterpret_cast<const int8_t**>(static_cast<char*>(context.workspace) +
                                            static_cast<size_t>(task) * bytes());
  }
  int32_t* sums_of(const Context& context, int task) const {
    return reinterpret_cast<int32_t*>(reinterpret_cast<char*>(pointers_of(context, task)) + pointers);
  }
};

Scratch window_scratch(const Shape4& shape, const Window& window) {
  return {smaller(window.kernel_h, shape.h) * smaller(window.kernel_w, shape.w), shape.c};
}

size_t times_threads(size_t bytes, int threads) { return bytes * static_cast<size_t>(threads < 1 ? 1 : threads); }

// Pointers to the pixels of rows x columns of image n; how many.
size_t gather(const int8_t* x, const Shape4& shape, int64_t n, const Taps& rows, int64_t row_step, const Taps& columns,
              int64_t column_step, const int8_t** pointers) {
  size_t count = 0;
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t row = n * shape.h + rows.first + i * row_step;
    const int8_t* pixel = x + (row * shape.w + columns.first) * shape.c;
    for (int64_t j = 0; j < columns.count; ++j) pointers[count++] = pixel + j * column_step * shape.c;
  }
  return count;
}

// What averages the gathered pixels; the ratio of scales is divided by the count for each window.
struct Averager {
  const PoolKernels& kernels;
  double x_scale, out_scale;
  int32_t x_zero_point;
  OutputRange output;
  int64_t channels;

  void run(const int8_t* const* pixels, size_t count, int64_t divisor, int32_t* sums, int8_t* out) const {
    std::memset(sums, 0, static_cast<size_t>(channels) * sizeof(int32_t));
    kernels.accumulate(static_cast<size_t>(channels), pixels, count, sums);
    const auto scale = static_cast<float>(x_scale / (out_scale * static_cast<double>(divisor)));
    kernels.finish(static_cast<size_t>(channels), sums, static_cast<int32_t>(count) * x_zero_point, scale, output, out);
  }
};

// Length of one axis of the output, as torch counts it, or 0 where no window fits.
int64_t output_length(int64_t size, int64_t kernel, int64_t stride, int64_t pad_before, int64_t pad_after,
                      int64_t dilation, bool ceil_mode) {
  const int64_t room = size + pad_before + pad_after - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  int64_t length = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  // A window that ceil_mode adds must not start in the padding behind the image.
  if (ceil_mode && (length - 1) * stride >= size + pad_before) --length;
  return length;
}

Status check_padding(const char* op, const char* argument, int64_t pad, int64_t kernel, int64_t dilation) {
  const int64_t most = dilation * (kernel - 1);
  if (pad <= most) return {};
  return bad_argument(op, argument, std::to_string(pad),
                      "an integer in [0, " + std::to_string(most) + "]: less than the window of kernel_size " +
                          std::to_string(kernel) + " and dilation " + std::to_string(dilation));
}

Status output_shape(const char* op, const Shape4& shape, const Window& w, bool ceil_mode, Shape4* out) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_shape(op, "x", shape));
  MOBILEKERNELS_RETURN_IF_ERROR(check_window(op, w));
  MOBILEKERNELS_RETURN_IF_ERROR(check_padding(op, "padding[0] (top)", w.pad_top, w.kernel_h, w.dilation_h));
  MOBILEKERNELS_RETURN_IF_ERROR(check_padding(op, "padding[1] (bottom)", w.pad_bottom, w.kernel_h, w.dilation_h));
  MOBILEKERNELS_RETURN_IF_ERROR(check_padding(op, "padding[2] (left)", w.pad_left, w.kernel_w, w.dilation_w));
  MOBILEKERNELS_RETURN_IF_ERROR(check_padding(op, "padding[3] (right)", w.pad_right, w.kernel_w, w.dilation_w));
  *out = {shape.n, output_length(shape.h, w.kernel_h, w.stride_h, w.pad_top, w.pad_bottom, w.dilation_h, ceil_mode),
          output_length(shape.w, w.kernel_w, w.stride_w, w.pad_left, w.pad_right, w.dilation_w, ceil_mode), shape.c};
  if (out->h < 1 || out->w < 1) {
    return bad_argument(op, "kernel_size",
                        "[" + std::to_string(w.kernel_h) + ", " + std::to_string(w.kernel_w) + "] with dilation [" +
                            std::to_string(w.dilation_h) + ", " + std::to_string(w.dilation_w) + "] on an image of " +
                            std::to_string(shape.h) + " x " + std::to_string(shape.w),
                        "a window that fits in the padded image");
  }
  return check_shape(op, "out", *out);
}

int64_t elements_of(const Shape4& shape) { return shape.n * shape.h * shape.w * shape.c; }

Status check_pool(const char* op, const Pool2dArgs& args, const Context& context, Shape4* out) {
  MOBILEKERNELS_RETURN_IF_ERROR(output_shape(op, args.shape, args.window, args.ceil_mode, out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, "x", args.x, elements_of(args.shape)));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, "out", args.out, elements_of(*out)));
  return check_workspace(op, context, pool2d_workspace(args.shape, args.window, context.threads));
}

Status check_average(const char* op, double x_scale, int32_t x_zero_point, double out_scale,
                     const OutputRange& output) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale(op, "x_scale", x_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_zero_point(op, "x_zero_point", x_zero_point));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale(op, "out_scale", out_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_output_range(op, output));
  float ratio = 0;
  return scale_ratio(op, "out_scale", x_scale, out_scale, &ratio);
}

Status check_averaged(const char* op, const char* argument, int64_t count) {
  if (count <= kMaxAveraged) return {};
  return bad_argument(op, argument, "a window of " + std::to_string(count) + " values",
                      "at most " + std::to_string(kMaxAveraged));
}

// body(task, n, oh, ow, out pixel) for each output pixel; `taps` is about how many pixels each reads.
template <typename Body>
void for_each_pixel(const Context& context, const Shape4& out, int64_t taps, int8_t* data, const Body& body) {
  const int64_t grain = kGrain / greater(1, smaller(kGrain, out.c) * smaller(kGrain, taps)) + 1;
  parallel_for(context, out.n * out.h * out.w, grain, [&](int task, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      body(task, i / out.w / out.h, i / out.w % out.h, i % out.w, data + i * out.c);
    }
  });
}

// Values of a window that count_include_pad counts along one axis: padding counts, what lies behind it does not.
int64_t padded_extent(int64_t start, int64_t kernel, int64_t size, int64_t pad_after) {
  return smaller(start + kernel, size + pad_after) - start;
}

int64_t adaptive_begin(int64_t i, int64_t size, int64_t out) { return i * size / out; }
int64_t adaptive_end(int64_t i, int64_t size, int64_t out) { return ((i + 1) * size + out - 1) / out; }

// The most that two neighbouring cuts of an axis can enclose.
int64_t adaptive_extent(int64_t size, int64_t out) { return smaller(size, size / out + 2); }

Scratch adaptive_scratch(const AdaptiveAveragePool2dArgs& args) {
  return {adaptive_extent(args.shape.h, args.out_h) * adaptive_extent(args.shape.w, args.out_w), args.shape.c};
}

// Output sizes that keep i * size within int64.
Status check_output_size(const char* argument, int64_t size) {
  constexpr int64_t kMost = int64_t{1} << 18;
  if (size >= 1 && size <= kMost) return {};
  return bad_argument("adaptive_avg_pool2d", argument, std::to_string(size),
                      "an integer in [1, " + std::to_string(kMost) + "]");
}

Status check_adaptive_shape(const AdaptiveAveragePool2dArgs& args) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_shape("adaptive_avg_pool2d", "x", args.shape));
  MOBILEKERNELS_RETURN_IF_ERROR(check_output_size("output_size[0]", args.out_h));
  MOBILEKERNELS_RETURN_IF_ERROR(check_output_size("output_size[1]", args.out_w));
  MOBILEKERNELS_RETURN_IF_ERROR(
      check_shape("adaptive_avg_pool2d", "out", {args.shape.n, args.out_h, args.out_w, args.shape.c}));
  const int64_t rows = adaptive_extent(args.shape.h, args.out_h);
  const int64_t columns = adaptive_extent(args.shape.w, args.out_w);
  return check_averaged("adaptive_avg_pool2d", "x", rows * columns);
}

}  // namespace

Status pool2d_output_shape(const Shape4& shape, const Window& window, bool ceil_mode, Shape4* out) {
  return output_shape("pool2d", shape, window, ceil_mode, out);
}

// Arguments that the operator will refuse need no workspace.
size_t pool2d_workspace(const Shape4& shape, const Window& window, int threads) {
  Shape4 out;
  if (!output_shape("pool2d", shape, window, true, &out).ok()) return 0;
  return times_threads(window_scratch(shape, window).bytes(), threads);
}

size_t adaptive_average_pool2d_workspace(const AdaptiveAveragePool2dArgs& args, int threads) {
  if (!check_adaptive_shape(args).ok()) return 0;
  return times_threads(adaptive_scratch(args).bytes(), threads);
}

Status max_pool2d(const Pool2dArgs& args, const Context& context) {
  Shape4 out;
  MOBILEKERNELS_RETURN_IF_ERROR(check_pool("max_pool2d", args, context, &out));
  const PoolKernels& kernels = select_pool();
  const Window& w = args.window;
  const Shape4& in = args.shape;
  const Scratch scratch = window_scratch(in, w);
  const Span inside = windows_inside(out.w, in.w, w.kernel_w, w.stride_w, w.pad_left, w.dilation_w);
  const int64_t grain =
      kGrain / greater(1, smaller(kGrain, out.w * out.c) * smaller(kGrain, w.kernel_h * w.kernel_w)) + 1;
  parallel_for(context, out.n * out.h, grain, [&](int task, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / out.h, oh = i % out.h;
      int8_t* const line = args.out + i * out.w * out.c;
      const Taps rows = taps_inside(oh * w.stride_h - w.pad_top, w.kernel_h, w.dilation_h, in.h);
      const int8_t** pointers = scratch.pointers_of(context, task);
      const size_t count = gather(args.x, in, n, rows, w.dilation_h, {0, 1}, 1, pointers);
      const auto run_pixels = [&](int64_t ow, int64_t pixels) {
        const Taps columns = taps_inside(ow * w.stride_w - w.pad_left, w.kernel_w, w.dilation_w, in.w);
        int8_t* const to = line + ow * out.c;
        if (count == 0 || columns.count == 0) {
          std::memset(to, -128, static_cast<size_t>(pixels * out.c));
          return;
        }
        const auto bytes = [&](int64_t columns_of_image) { return static_cast<size_t>(columns_of_image * in.c); };
        kernels.max_line({bytes(1), pointers, count, static_cast<size_t>(columns.count), static_cast<size_t>(pixels),
                          bytes(columns.first), bytes(w.dilation_w), bytes(w.stride_w), to});
      };
      for (int64_t ow = 0; ow < inside.begin; ++ow) run_pixels(ow, 1);
      if (inside.begin < inside.end) run_pixels(inside.begin, inside.end - inside.begin);
      for (int64_t ow = inside.end; ow < out.w; ++ow) run_pixels(ow, 1);
    }
  });
  return {};
}

Status average_pool2d(const AveragePool2dArgs& args, const Context& context) {
  constexpr const char* kOp = "avg_pool2d";
  const Pool2dArgs& pool = args.pool;
  const Window& w = pool.window;
  const Shape4& in = pool.shape;
  Shape4 out;
  MOBILEKERNELS_RETURN_IF_ERROR(check_pool(kOp, pool, context, &out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_average(kOp, args.x_scale, args.x_zero_point, args.out_scale, args.output));
  if (w.dilation_h != 1 || w.dilation_w != 1) {
    return bad_argument(kOp, "dilation", "[" + std::to_string(w.dilation_h) + ", " + std::to_string(w.dilation_w) + "]",
                        "1");
  }
  if (args.divisor_override < 0) {
    return bad_argument(kOp, "divisor_override", std::to_string(args.divisor_override),
                        "a positive integer, or 0 for none");
  }
  MOBILEKERNELS_RETURN_IF_ERROR(
      check_averaged(kOp, "kernel_size", smaller(w.kernel_h, in.h) * smaller(w.kernel_w, in.w)));
  const Averager averager{select_pool(), args.x_scale, args.out_scale, args.x_zero_point, args.output, in.c};
  const Scratch scratch = window_scratch(in, w);
  for_each_pixel(context, out, w.kernel_h * w.kernel_w, pool.out,
                 [&](int task, int64_t n, int64_t oh, int64_t ow, int8_t* pixel) {
                   const int64_t top = oh * w.stride_h - w.pad_top, left = ow * w.stride_w - w.pad_left;
                   const Taps rows = taps_inside(top, w.kernel_h, 1, in.h);
                   const Taps columns = taps_inside(left, w.kernel_w, 1, in.w);
                   const int8_t** pointers = scratch.pointers_of(context, task);
                   const size_t count = gather(pool.x, in, n, rows, 1, columns, 1, pointers);
                   int64_t divisor = args.divisor_override;
                   if (divisor == 0) {
                     divisor = args.count_include_pad ? padded_extent(top, w.kernel_h, in.h, w.pad_bottom) *
                                                            padded_extent(left, w.kernel_w, in.w, w.pad_right)
                                                      : rows.count * columns.count;
                   }
                   averager.run(pointers, count, greater(1, divisor), scratch.sums_of(context, task), pixel);
                 });
  return {};
}

Status adaptive_average_pool2d(const AdaptiveAveragePool2dArgs& args, const Context& context) {
  constexpr const char* kOp = "adaptive_avg_pool2d";
  const Shape4& in = args.shape;
  const Shape4 out = {in.n, args.out_h, args.out_w, in.c};
  MOBILEKERNELS_RETURN_IF_ERROR(check_adaptive_shape(args));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(kOp, "x", args.x, elements_of(in)));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(kOp, "out", args.out, elements_of(out)));
  MOBILEKERNELS_RETURN_IF_ERROR(check_average(kOp, args.x_scale, args.x_zero_point, args.out_scale, args.output));
  MOBILEKERNELS_RETURN_IF_ERROR(
      check_workspace(kOp, context, adaptive_average_pool2d_workspace(args, context.threads)));
  const Averager averager{select_pool(), args.x_scale, args.out_scale, args.x_zero_point, args.output, in.c};
  const Scratch scratch = adaptive_scratch(args);
  const int64_t taps = adaptive_extent(in.h, out.h) * adaptive_extent(in.w, out.w);
  for_each_pixel(context, out, taps, args.out, [&](int task, int64_t n, int64_t oh, int64_t ow, int8_t* pixel) {
    const int64_t top = adaptive_begin(oh, in.h, out.h), left = adaptive_begin(ow, in.w, out.w);
    const Taps rows = {top, adaptive_end(oh, in.h, out.h) - top};
    const Taps columns = {left, adaptive_end(ow, in.w, out.w) - left};
    const int8_t** pointers = scratch.pointers_of(context, task);
    const size_t count = gather(args.x, in, n, rows, 1, columns, 1, pointers);
    averager.run(pointers, count, rows.count * columns.count, scratch.sums_of(context, task), pixel);
  });
  return {};
}

}  // namespace mobilekernels
