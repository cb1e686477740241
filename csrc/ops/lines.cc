#include "ops/lines.h"

#include <algorithm>
#include <cstring>

namespace mobilekernels {
namespace {

// A block of lines shares the second-level cache with the weights that stream past it.
constexpr int64_t kBlockBytes = 256 * 1024;
constexpr int64_t kAlignment = 64;
constexpr int64_t kSlackBytes = 64;  // behind a block: its last segment may end a few bytes after the last line
constexpr int64_t kHalfTile = 7;     // GemmArgs::line_rows

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Sizes in bytes, for one-byte elements.
struct Layout {
  int64_t pitch;           // of a padded line
  int64_t segment_quads;   // of one kernel row, the last one padded with zero weights
  int64_t output_lines;    // of a block, at most
  int64_t block_bytes;     // of its input lines
  int64_t panel_bytes;     // of 16 channels' weights
  int64_t repacked_bytes;  // of all channels' weights; 0: they are read as they are
};

int64_t input_lines(const Window& w, int64_t output_lines) {
  return (output_lines - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h + 1;
}

Layout layout_of(const RowSource& s, int64_t out_channels) {
  const Window& w = s.window;
  constexpr auto kQuadBytes = static_cast<int64_t>(kQuad);
  Layout l{};
  l.pitch = ((s.out_w - 1) * w.stride_w + w.kernel_w) * s.channels;
  l.segment_quads = (w.kernel_w * s.channels + kQuadBytes - 1) / kQuadBytes;
  const int64_t fit = (kBlockBytes / l.pitch - input_lines(w, 1)) / w.stride_h + 1;
  l.output_lines = std::clamp<int64_t>(fit, 1, s.out_h);
  l.block_bytes = round_up(input_lines(w, l.output_lines) * l.pitch + kSlackBytes, kAlignment);
  l.panel_bytes = w.kernel_h * l.segment_quads * kQuadBytes * static_cast<int64_t>(kPanelChannels);
  const bool whole_quads = w.kernel_w * s.channels % kQuadBytes == 0;
  l.repacked_bytes = whole_quads ? 0 : round_up(out_channels, kPanelChannels) / 16 * l.panel_bytes;
  return l;
}

int64_t task_bytes(const Layout& l) { return l.block_bytes + round_up(l.repacked_bytes, kAlignment); }

// Weights whose k runs on over kernel rows (pack/format.h), with each kernel row's last quad filled up by zeros.
void repack(const RowSource& s, const Layout& l, const int8_t* from, int64_t panels, char* to) {
  constexpr auto kQuadBytes = static_cast<int64_t>(kQuad);
  constexpr auto kChannels = static_cast<int64_t>(kPanelChannels);
  const int64_t run = s.window.kernel_w * s.channels;
  const int64_t from_panel = (s.k() + kQuadBytes - 1) / kQuadBytes * kQuadBytes * kChannels;
  std::memset(to, 0, static_cast<size_t>(panels * l.panel_bytes));
  const auto at = [](int64_t k) { return k / kQuadBytes * kQuadBytes * kChannels + k % kQuadBytes; };
  for (int64_t p = 0; p < panels; ++p, from += from_panel, to += l.panel_bytes) {
    for (int64_t kh = 0; kh < s.window.kernel_h; ++kh) {
      for (int64_t i = 0; i < run; ++i) {
        const int8_t* source = from + at(kh * run + i);
        char* target = to + at(kh * l.segment_quads * kQuadBytes + i);
        for (int64_t c = 0; c < kChannels; ++c) {
          target[c * kQuadBytes] = static_cast<char>(source[c * kQuadBytes]);
        }
      }
    }
  }
}

// Lines [top, top + count) of an image, which may lie outside of it, with the padding left and right.
void copy_lines(const RowSource& s, const GemmKernel& kernel, const int8_t* image, int64_t top, int64_t count,
                const Layout& l, char* to) {
  const auto zero = static_cast<int8_t>(s.zero_point);
  const int64_t left = std::min(s.window.pad_left * s.channels, l.pitch);
  const int64_t line = s.shape.w * s.channels;
  const int64_t inside = std::min(line, l.pitch - left);
  for (int64_t y = top; y < top + count; ++y, to += l.pitch) {
    if (y < 0 || y >= s.shape.h) {
      kernel.fill(to, zero, static_cast<size_t>(l.pitch));
      continue;
    }
    if (left > 0) kernel.fill(to, zero, static_cast<size_t>(left));
    if (s.u8) {
      std::memcpy(to + left, image + y * line, static_cast<size_t>(inside));
    } else {
      kernel.pack(to + left, image + y * line, static_cast<size_t>(inside));
    }
    const int64_t right = l.pitch - left - inside;
    if (right > 0) kernel.fill(to + left + inside, zero, static_cast<size_t>(right));
  }
  std::memset(to, 0, kSlackBytes);
}

// Output lines [begin, end), counted over all images, by channels [channel_begin, channel_end).
struct Part {
  int64_t begin, end, channel_begin, channel_end;
};

void run_part(const RowGemm& g, const GemmKernel& kernel, const Layout& l, const Part& part, char* workspace) {
  const RowSource& s = g.source;
  const Window& w = s.window;
  const int8_t* weights = g.w;
  if (l.repacked_bytes > 0) {
    char* repacked = workspace + l.block_bytes;
    repack(s, l, g.w, round_up(g.out_channels, kPanelChannels) / static_cast<int64_t>(kPanelChannels), repacked);
    weights = reinterpret_cast<const int8_t*>(repacked);
  }
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  ResidualAdd residual{};
  GemmArgs args{};
  args.a = workspace;
  args.channels = size(part.channel_end - part.channel_begin);
  args.quads = size(w.kernel_h * l.segment_quads);
  args.w = weights + part.channel_begin / static_cast<int64_t>(kPanelChannels) * l.panel_bytes;
  args.a_stride = size(w.stride_w * s.channels);
  args.line_stride = size(w.stride_h * l.pitch);
  args.segments = size(w.kernel_h);
  args.segment_stride = size(w.dilation_h * l.pitch);
  args.out_stride = size(g.out_channels);
  args.epilogue = g.epilogue;
  args.epilogue.bias += part.channel_begin;
  args.epilogue.wsum += part.channel_begin;
  args.epilogue.scale += part.channel_begin;
  if (g.epilogue.residual != nullptr) residual = *g.epilogue.residual;
  const bool many = s.out_w % kHalfTile == 0;  // lines a call
  for (int64_t line = part.begin; line < part.end;) {
    const int64_t n = line / s.out_h;
    const int64_t y = line % s.out_h;
    const int64_t count = std::min({l.output_lines, s.out_h - y, part.end - line});
    copy_lines(s, kernel, s.x + n * s.shape.h * s.shape.w * s.shape.c, y * w.stride_h - w.pad_top,
               input_lines(w, count), l, workspace);
    const int64_t at_once = many ? count : 1;
    args.rows = size(at_once * s.out_w);
    args.line_rows = many ? size(s.out_w) : 0;
    for (int64_t i = 0; i < count; i += at_once) {
      const int64_t first = (line + i) * s.out_w * g.out_channels + part.channel_begin;
      args.a = workspace + i * w.stride_h * l.pitch;
      args.out = g.out == nullptr ? nullptr : g.out + first;
      args.out_float = g.out_float == nullptr ? nullptr : g.out_float + first;
      if (g.epilogue.residual != nullptr) {
        residual.data = g.epilogue.residual->data + first;
        args.epilogue.residual = &residual;
      }
      kernel.run(args);
    }
    line += count;
  }
}

}  // namespace

bool suits_lines(const RowSource& s, int64_t out_channels, int64_t groups) {
  const Window& w = s.window;
  if (groups != 1 || !s.contiguous_taps() || w.kernel_h * w.kernel_w == 1) return false;
  // Where output lines do not cut into half tiles, each is a call, and all weights pass by: few enough for the
  // first-level cache. A line that is much longer than what it is read for is better gathered.
  constexpr int64_t kFewWeights = 16 * 1024;
  if (s.out_w % kHalfTile != 0 && (s.out_w < 2 * kHalfTile || out_channels * s.k() > kFewWeights)) return false;
  return w.stride_w <= w.kernel_w && w.stride_h <= w.kernel_h;
}

size_t line_gemm_workspace(const RowSource& s, int64_t out_channels, int threads) {
  return static_cast<size_t>(task_bytes(layout_of(s, out_channels)) * std::max(threads, 1));
}

void line_gemm(const RowGemm& g, const GemmKernel& kernel, const Context& context) {
  const RowSource& s = g.source;
  const Layout l = layout_of(s, g.out_channels);
  const int64_t lines = s.shape.n * s.out_h;
  const int64_t bytes = task_bytes(l);
  char* workspace = static_cast<char*>(context.workspace);
  const auto tile_channels = static_cast<int64_t>(kernel.nr);
  // Below this many multiply-adds a task costs more to start than it saves.
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t line_macs = s.out_w * s.k() * g.out_channels;
  if (lines * s.out_w >= 4 * static_cast<int64_t>(kernel.mr) * context.threads || g.out_channels < 2 * tile_channels) {
    parallel_for(context, lines, kGrainMacs / line_macs + 1, [&](int task, int64_t begin, int64_t end) {
      run_part(g, kernel, l, {begin, end, 0, g.out_channels}, workspace + task * bytes);
    });
  } else {
    // Few lines (the last layers): every task copies all of them and takes some of the channels.
    const int64_t tiles = (g.out_channels + tile_channels - 1) / tile_channels;
    parallel_for(context, tiles, kGrainMacs / (lines * line_macs / tiles + 1) + 1,
                 [&](int task, int64_t begin, int64_t end) {
                   const Part part{0, lines, begin * tile_channels, std::min(end * tile_channels, g.out_channels)};
                   run_part(g, kernel, l, part, workspace + task * bytes);
                 });
  }
}

}  // namespace mobilekernels
