#include "ops/rows.h"

#include <algorithm>

#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

// A block of packed rows shares the second-level cache with the weights that stream past it; phones' big cores
// have 256 KB to 1 MB.
constexpr int64_t kBlockBytes = 128 * 1024;
constexpr int64_t kMaxTileRows = 16;
constexpr int64_t kMaxElementBytes = 2;
constexpr int64_t kAlignment = 64;

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

int64_t quads_of(int64_t k) { return (k + static_cast<int64_t>(kQuad) - 1) / static_cast<int64_t>(kQuad); }

// Bytes of one task's block: holds for every kernel, so that a change of the ISA cap between asking and running
// does no harm.
int64_t block_bytes(int64_t rows, int64_t k) {
  const int64_t tile = kMaxTileRows * quads_of(k) * 4 * kMaxElementBytes;
  const int64_t all = round_up(rows, kMaxTileRows) / kMaxTileRows * tile;
  return round_up(std::max(tile, std::min(all, kBlockBytes)), kAlignment);
}

// One output pixel: kernel_h x kernel_w taps, each `channels` values or padding.
void pack_window(const RowSource& s, const GemmKernel& kernel, const int8_t* image, int64_t top, int64_t left,
                 char* dst) {
  const int64_t run = s.channels * static_cast<int64_t>(kernel.element_bytes);
  const Window& w = s.window;
  const auto zero = static_cast<int8_t>(s.zero_point);
  const bool contiguous = s.channels == s.shape.c && w.dilation_w == 1;
  // Taps [first, last) of a row are inside the image.
  int64_t first = 0;
  while (first < w.kernel_w && left + first * w.dilation_w < 0) ++first;
  int64_t last = w.kernel_w;
  while (last > first && left + (last - 1) * w.dilation_w >= s.shape.w) --last;
  for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
    const int64_t y = top + kh * w.dilation_h;
    if (y < 0 || y >= s.shape.h || first == last) {
      kernel.fill(dst, zero, static_cast<size_t>(w.kernel_w * s.channels));
    } else {
      const int8_t* row = image + (y * s.shape.w + left + first * w.dilation_w) * s.shape.c;
      if (first > 0) kernel.fill(dst, zero, static_cast<size_t>(first * s.channels));
      if (contiguous) {
        kernel.pack(dst + first * run, row, static_cast<size_t>((last - first) * s.channels));
      } else {
        for (int64_t kw = first; kw < last; ++kw) {
          kernel.pack(dst + kw * run, row + (kw - first) * w.dilation_w * s.shape.c, static_cast<size_t>(s.channels));
        }
      }
      if (last < w.kernel_w) {
        kernel.fill(dst + last * run, zero, static_cast<size_t>((w.kernel_w - last) * s.channels));
      }
    }
    dst += w.kernel_w * run;
  }
}

// The part of a GEMM that one task does: rows [row_begin, row_end) by channels [channel_begin, channel_end) of
// each group.
struct Part {
  int64_t row_begin, row_end, channel_begin, channel_end;
};

void run_part(const RowGemm& g, const GemmKernel& kernel, const Part& part, char* block) {
  const int64_t k = g.source.k();
  const int64_t quads = quads_of(k);
  const int64_t group_out = g.out_channels / g.groups;
  const int64_t group_slots = round_up(group_out, kPanelChannels);
  const bool direct = kernel.int8_rows && g.source.pixel_rows() && k % static_cast<int64_t>(kQuad) == 0;
  const int64_t stride = quads * static_cast<int64_t>(kQuad * kernel.element_bytes);
  const int64_t tile = static_cast<int64_t>(kernel.mr);
  const int64_t fit = std::max(kBlockBytes / stride / tile * tile, tile);
  for (int64_t group = 0; group < g.groups; ++group) {
    const int64_t slot = group * group_slots + part.channel_begin;
    const int64_t channel = group * group_out + part.channel_begin;
    ResidualAdd residual{};
    GemmArgs args{};
    args.channels = static_cast<size_t>(part.channel_end - part.channel_begin);
    args.quads = static_cast<size_t>(quads);
    args.w = g.w + slot * quads * static_cast<int64_t>(kQuad);
    args.out_stride = static_cast<size_t>(g.out_channels);
    args.epilogue = g.epilogue;
    args.epilogue.bias += slot;
    args.epilogue.wsum += slot;
    args.epilogue.scale += slot;
    if (g.epilogue.residual != nullptr) residual = *g.epilogue.residual;
    for (int64_t row = part.row_begin; row < part.row_end;) {
      const int64_t end = direct ? part.row_end : std::min(row + fit, part.row_end);
      if (direct) {
        args.a = g.source.x + row * g.source.shape.c + group * g.source.channels;
        args.a_stride = static_cast<size_t>(g.source.shape.c);
      } else {
        pack_rows(g.source, kernel, group * g.source.channels, row, end, block, static_cast<size_t>(stride));
        args.a = block;
        args.a_stride = static_cast<size_t>(stride);
      }
      args.rows = static_cast<size_t>(end - row);
      const int64_t first = row * g.out_channels + channel;
      args.out = g.out == nullptr ? nullptr : g.out + first;
      args.out_float = g.out_float == nullptr ? nullptr : g.out_float + first;
      if (g.epilogue.residual != nullptr) {
        residual.data = g.epilogue.residual->data + first;
        args.epilogue.residual = &residual;
      }
      kernel.run(args);
      row = end;
    }
  }
}

}  // namespace

bool RowSource::pixel_rows() const {
  const Window& w = window;
  return w.kernel_h == 1 && w.kernel_w == 1 && w.stride_h == 1 && w.stride_w == 1 && w.pad_top == 0 &&
         w.pad_bottom == 0 && w.pad_left == 0 && w.pad_right == 0;
}

void pack_rows(const RowSource& s, const GemmKernel& kernel, int64_t first_channel, int64_t begin, int64_t end,
               char* dst, size_t stride) {
  const auto k = static_cast<size_t>(s.k());
  const size_t used = k * kernel.element_bytes;
  const size_t tail = stride / kernel.element_bytes - k;
  const int8_t* x = s.x + first_channel;
  if (s.pixel_rows() && tail == 0 && s.channels == s.shape.c) {
    kernel.pack(dst, x + begin * s.shape.c, static_cast<size_t>(end - begin) * k);
    return;
  }
  int64_t ow = begin % s.out_w;
  int64_t oh = begin / s.out_w % s.out_h;
  int64_t n = begin / s.out_w / s.out_h;
  for (int64_t row = begin; row < end; ++row) {
    if (s.pixel_rows()) {
      kernel.pack(dst, x + row * s.shape.c, k);
    } else {
      pack_window(s, kernel, x + n * s.shape.h * s.shape.w * s.shape.c, oh * s.window.stride_h - s.window.pad_top,
                  ow * s.window.stride_w - s.window.pad_left, dst);
      if (++ow == s.out_w) {
        ow = 0;
        if (++oh == s.out_h) {
          oh = 0;
          ++n;
        }
      }
    }
    if (tail > 0) kernel.fill(dst + used, 0, tail);
    dst += stride;
  }
}

size_t row_gemm_workspace(int64_t rows, int64_t k, int threads) {
  return static_cast<size_t>(block_bytes(rows, k) * std::max(threads, 1));
}

void row_gemm(const RowGemm& g, const Context& context) {
  const GemmKernel& kernel = select_gemm();
  const int64_t rows = g.source.rows();
  const int64_t group_out = g.out_channels / g.groups;
  const int64_t bytes = block_bytes(rows, g.source.k());
  char* workspace = static_cast<char*>(context.workspace);
  const auto tile_rows = static_cast<int64_t>(kernel.mr);
  const auto tile_channels = static_cast<int64_t>(kernel.nr);
  // Below this many multiply-adds a task costs more to start than it saves.
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t row_macs = g.out_channels * g.source.k();
  if (rows >= 2 * tile_rows * context.threads || group_out < 2 * tile_channels) {
    const int64_t tiles = (rows + tile_rows - 1) / tile_rows;
    parallel_for(context, tiles, kGrainMacs / (row_macs * tile_rows) + 1, [&](int task, int64_t begin, int64_t end) {
      const Part part{begin * tile_rows, std::min(end * tile_rows, rows), 0, group_out};
      run_part(g, kernel, part, workspace + task * bytes);
    });
  } else {
    // Few rows (the last layers, linear): every task packs all rows and takes some of the channels.
    const int64_t tiles = (group_out + tile_channels - 1) / tile_channels;
    const int64_t grain = kGrainMacs / (rows * tile_channels * g.source.k() * g.groups) + 1;
    parallel_for(context, tiles, grain, [&](int task, int64_t begin, int64_t end) {
      const Part part{0, rows, begin * tile_channels, std::min(end * tile_channels, group_out)};
      run_part(g, kernel, part, workspace + task * bytes);
    });
  }
}

}  // namespace mobilekernels
