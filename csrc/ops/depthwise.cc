#include "ops/depthwise.h"

#include <algorithm>
#include <cstring>

#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Scratch of one task: the indirection buffer, a pixel of padding, and kernel_h expanded rows where needed.
struct Scratch {
  int64_t pointers, padding, expanded;

  Scratch(const Shape4& shape, const Window& window, int64_t out_w, int64_t out_channels) {
    pointers = aligned(window.kernel_h * window.kernel_w * out_w * static_cast<int64_t>(sizeof(const int8_t*)));
    padding = aligned(out_channels);
    expanded = out_channels == shape.c ? 0 : aligned(window.kernel_h * shape.w * out_channels);
  }
  int64_t bytes() const { return pointers + padding + expanded; }
};

// Each input channel `multiplier` times in a row: the kernel then sees one input channel for each output channel.
void expand_row(const int8_t* x, int64_t count, int64_t multiplier, int8_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    std::memset(out + i * multiplier, x[i], static_cast<size_t>(multiplier));
  }
}

struct RowRunner {
  const DepthwiseConv& conv;
  const DepthwiseKernel& kernel;
  const int8_t** pointers;
  const int8_t* padding;
  int8_t* expanded;

  void run(int64_t row) const {
    const DepthwiseConv& c = conv;
    const Window& w = c.window;
    const int64_t n = row / c.out_h;
    const int64_t top = row % c.out_h * w.stride_h - w.pad_top;
    const int64_t taps = w.kernel_h * w.kernel_w;
    for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
      const int64_t y = top + kh * w.dilation_h;
      const bool inside = y >= 0 && y < c.shape.h;
      const int8_t* input = inside ? c.x + (n * c.shape.h + y) * c.shape.w * c.shape.c : nullptr;
      if (inside && expanded != nullptr) {
        int8_t* line = expanded + kh * c.shape.w * c.out_channels;
        expand_row(input, c.shape.w * c.shape.c, c.out_channels / c.shape.c, line);
        input = line;
      }
      for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
        const int8_t** slot = pointers + kh * w.kernel_w + kw;
        int64_t x = kw * w.dilation_w - w.pad_left;
        for (int64_t ow = 0; ow < c.out_w; ++ow, x += w.stride_w, slot += taps) {
          *slot = inside && x >= 0 && x < c.shape.w ? input + x * c.out_channels : padding;
        }
      }
    }
    const int64_t first = row * c.out_w * c.out_channels;
    DepthwiseArgs args{};
    args.pixels = static_cast<size_t>(c.out_w);
    args.channels = static_cast<size_t>(c.out_channels);
    args.taps = static_cast<size_t>(taps);
    args.input = pointers;
    args.input_step = static_cast<size_t>(taps);
    args.w = c.w;
    args.out = c.out == nullptr ? nullptr : c.out + first;
    args.out_float = c.out_float == nullptr ? nullptr : c.out_float + first;
    args.out_stride = static_cast<size_t>(c.out_channels);
    args.epilogue = c.epilogue;
    ResidualAdd residual{};
    if (c.epilogue.residual != nullptr) {
      residual = *c.epilogue.residual;
      residual.data += first;
      args.epilogue.residual = &residual;
    }
    kernel.run(args);
  }
};

}  // namespace

size_t depthwise_workspace(const Shape4& shape, const Window& window, int64_t out_w, int64_t out_channels,
                           int threads) {
  return static_cast<size_t>(Scratch(shape, window, out_w, out_channels).bytes() * std::max(threads, 1));
}

void depthwise_conv(const DepthwiseConv& conv, const Context& context) {
  const DepthwiseKernel& kernel = select_depthwise();
  const Scratch scratch(conv.shape, conv.window, conv.out_w, conv.out_channels);
  char* workspace = static_cast<char*>(context.workspace);
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t row_macs = conv.out_w * conv.out_channels * conv.window.kernel_h * conv.window.kernel_w;
  parallel_for(context, conv.shape.n * conv.out_h, kGrainMacs / row_macs + 1,
               [&](int task, int64_t begin, int64_t end) {
                 char* own = workspace + task * scratch.bytes();
                 auto* padding = reinterpret_cast<int8_t*>(own + scratch.pointers);
                 std::memset(padding, conv.x_zero_point, static_cast<size_t>(conv.out_channels));
                 int8_t* expanded = scratch.expanded == 0 ? nullptr : padding + scratch.padding;
                 const RowRunner runner{conv, kernel, reinterpret_cast<const int8_t**>(own), padding, expanded};
                 for (int64_t row = begin; row < end; ++row) runner.run(row);
               });
}

}  // namespace mobilekernels
