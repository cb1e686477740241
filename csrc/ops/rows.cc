#include "ops/rows.h"

#include <algorithm>
#include <cstring>

#include "ops/lines.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

// A block of packed rows shares the second-level cache with the weights that stream past it; phones' big cores
// have 256 KB to 1 MB.
constexpr int64_t kBlockBytes = 128 * 1024;
constexpr int64_t kMaxTileRows = 16;
constexpr int64_t kMaxElementBytes = 2;
constexpr int64_t kAlignment = 64;
constexpr int64_t kSlackBytes = 64;  // behind a block of rows

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

int64_t quads_of(int64_t k) { return (k + static_cast<int64_t>(kQuad) - 1) / static_cast<int64_t>(kQuad); }

// Bytes of one task's block of rows: holds for every kernel, so that a change of the ISA cap between asking and
// running does no harm.
int64_t block_bytes(int64_t rows, int64_t k) {
  const int64_t tile = kMaxTileRows * quads_of(k) * 4 * kMaxElementBytes;
  const int64_t all = round_up(rows, kMaxTileRows) / kMaxTileRows * tile;
  return round_up(std::max(tile, std::min(all, kBlockBytes)) + kSlackBytes, kAlignment);
}

// One task's part of the workspace: scratch memory for the kernel, then its block of rows.
int64_t scratch_bytes(int64_t k) {
  return round_up(static_cast<int64_t>(gemm_scratch_bytes(static_cast<size_t>(quads_of(k)))), kAlignment);
}

int64_t task_bytes(int64_t rows, int64_t k) { return scratch_bytes(k) + block_bytes(rows, k); }

// int8 codes as uint8 ones (q + 128), or the way back. dst may be src.
void flip_signs(void* dst, const void* src, int64_t n) {
  auto* to = static_cast<uint8_t*>(dst);
  const auto* from = static_cast<const uint8_t*>(src);
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<uint8_t>(from[i] ^ 0x80);
}

// Packs uint8 codes: a plain copy where that is the packed form.
void pack_u8(const GemmKernel& kernel, char* dst, const int8_t* src, int64_t n) {
  if (kernel.writes_u8) {
    std::memcpy(dst, src, static_cast<size_t>(n));
    return;
  }
  constexpr int64_t kChunk = 256;
  int8_t codes[kChunk];
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t part = std::min(kChunk, n - i);
    flip_signs(codes, src + i, part);
    kernel.pack(dst + i * static_cast<int64_t>(kernel.element_bytes), codes, static_cast<size_t>(part));
  }
}

// Writes packed values one run at a time, in the kernel's element type.
struct KernelWriter {
  const GemmKernel& kernel;
  bool u8;  // what is copied

  int64_t element_bytes() const { return static_cast<int64_t>(kernel.element_bytes); }
  void copy(char* dst, const int8_t* src, int64_t n) const {
    if (u8) {
      pack_u8(kernel, dst, src, n);
    } else {
      kernel.pack(dst, src, static_cast<size_t>(n));
    }
  }
  void fill(char* dst, int8_t value, int64_t n) const { kernel.fill(dst, value, static_cast<size_t>(n)); }
};

// Gathers plain bytes, int8 or uint8. For runs of a few bytes (a first layer's pixels have three channels) a call costs
// more than the bytes do; the whole block is then changed to the element type at once, in place.
struct ByteWriter {
  bool u8;

  static constexpr int64_t kLongest = 32;

  static int64_t element_bytes() { return 1; }
  // Two copies of a power of two that may overlap stay inside any run of at least that power.
  static void copy(char* dst, const int8_t* src, int64_t n) {
    if (n >= 16) {
      copy_ends<16>(dst, src, n);
    } else if (n >= 8) {
      copy_ends<8>(dst, src, n);
    } else if (n >= 4) {
      copy_ends<4>(dst, src, n);
    } else {
      for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<char>(src[i]);
    }
  }
  void fill(char* dst, int8_t value, int64_t n) const {
    for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<char>(u8 ? value ^ 0x80 : value);
  }

 private:
  template <int Bytes>
  static void copy_ends(char* dst, const int8_t* src, int64_t n) {
    char head[Bytes];
    char tail[Bytes];
    std::memcpy(head, src, Bytes);
    std::memcpy(tail, src + n - Bytes, Bytes);
    std::memcpy(dst, head, Bytes);
    std::memcpy(dst + n - Bytes, tail, Bytes);
  }
};

// One output pixel: kernel_h x kernel_w taps, each `channels` values or padding.
template <typename Writer>
void write_window(const RowSource& s, const Writer& writer, const int8_t* image, int64_t top, int64_t left, char* dst) {
  const int64_t run = s.channels * writer.element_bytes();
  const Window& w = s.window;
  const auto zero = static_cast<int8_t>(s.zero_point);
  // Taps [first, last) of a row are inside the image.
  int64_t first = 0;
  while (first < w.kernel_w && left + first * w.dilation_w < 0) ++first;
  int64_t last = w.kernel_w;
  while (last > first && left + (last - 1) * w.dilation_w >= s.shape.w) --last;
  for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
    const int64_t y = top + kh * w.dilation_h;
    if (y < 0 || y >= s.shape.h || first == last) {
      writer.fill(dst, zero, w.kernel_w * s.channels);
    } else {
      const int8_t* row = image + (y * s.shape.w + left + first * w.dilation_w) * s.shape.c;
      if (first > 0) writer.fill(dst, zero, first * s.channels);
      if (s.contiguous_taps()) {
        writer.copy(dst + first * run, row, (last - first) * s.channels);
      } else {
        for (int64_t kw = first; kw < last; ++kw) {
          writer.copy(dst + kw * run, row + (kw - first) * w.dilation_w * s.shape.c, s.channels);
        }
      }
      if (last < w.kernel_w) writer.fill(dst + last * run, zero, (w.kernel_w - last) * s.channels);
    }
    dst += w.kernel_w * run;
  }
}

// Rows [begin, end), `stride` bytes each, zeros past the last k.
template <typename Writer>
void write_rows(const RowSource& s, const Writer& writer, const int8_t* x, int64_t begin, int64_t end, char* dst,
                int64_t stride) {
  const int64_t used = s.k() * writer.element_bytes();
  const int64_t tail = stride / writer.element_bytes() - s.k();
  int64_t ow = begin % s.out_w;
  int64_t oh = begin / s.out_w % s.out_h;
  int64_t n = begin / s.out_w / s.out_h;
  for (int64_t row = begin; row < end; ++row, dst += stride) {
    write_window(s, writer, x + n * s.shape.h * s.shape.w * s.shape.c, oh * s.window.stride_h - s.window.pad_top,
                 ow * s.window.stride_w - s.window.pad_left, dst);
    if (tail > 0) writer.fill(dst + used, 0, tail);
    if (++ow < s.out_w) continue;
    ow = 0;
    if (++oh < s.out_h) continue;
    oh = 0;
    ++n;
  }
}

// write_rows() for windows whose rows are runs of up to 16 * Chunks bytes, as in first layers, where pixels have three
// channels. Inside the image every run is a fixed number of 16-byte moves: what they write too much is overwritten by
// the next run, or lies in the slack behind the block. None reads past the tensor.
template <int Chunks>
void write_short_runs(const RowSource& s, const int8_t* x, int64_t begin, int64_t end, char* dst, int64_t stride) {
  constexpr int64_t kBytes = 16 * Chunks;
  static_assert(kBytes <= kSlackBytes, "the last run of a block must not write past the slack");
  const Window& w = s.window;
  const int64_t run = w.kernel_w * s.channels;
  const int64_t image_row = s.shape.w * s.shape.c;
  const int64_t tail = stride - s.k();
  const int64_t limit = s.shape.n * s.shape.h * image_row - kBytes;  // the last offset that may be read from
  // Output columns [first, last) see no padding on the left or right.
  const int64_t first = (w.pad_left + w.stride_w - 1) / w.stride_w;
  const int64_t room = s.shape.w + w.pad_left - w.kernel_w;
  const int64_t last = room < 0 ? 0 : room / w.stride_w + 1;
  for (int64_t row = begin; row < end;) {
    const int64_t ow = row % s.out_w;
    const int64_t oh = row / s.out_w % s.out_h;
    const int64_t top = oh * w.stride_h - w.pad_top;
    const int8_t* image = x + row / s.out_w / s.out_h * s.shape.h * image_row;
    const bool whole = top >= 0 && top + w.dilation_h * (w.kernel_h - 1) < s.shape.h && ow >= first && ow < last;
    if (!whole) {
      write_rows(s, ByteWriter{s.u8}, x, row, row + 1, dst, stride);
      ++row;
      dst += stride;
      continue;
    }
    const int8_t* from = image + top * image_row + (ow * w.stride_w - w.pad_left) * s.shape.c;
    const int64_t columns = std::min(last - ow, end - row);
    for (int64_t i = 0; i < columns; ++i, dst += stride, from += w.stride_w * s.shape.c) {
      const int8_t* src = from;
      char* to = dst;
      for (int64_t kh = 0; kh < w.kernel_h; ++kh, src += w.dilation_h * image_row, to += run) {
        if (src - s.x <= limit) {
          std::memcpy(to, src, kBytes);
        } else {
          ByteWriter::copy(to, src, run);
        }
      }
      ByteWriter{s.u8}.fill(to, 0, tail);
    }
    row += columns;
  }
}

// The part of a GEMM that one task does: rows [row_begin, row_end) by channels [channel_begin, channel_end) of
// each group.
struct Part {
  int64_t row_begin, row_end, channel_begin, channel_end;
};

void run_part(const RowGemm& g, const GemmKernel& kernel, const Part& part, char* workspace) {
  const int64_t k = g.source.k();
  char* block = workspace + scratch_bytes(k);
  const int64_t quads = quads_of(k);
  const int64_t group_out = g.out_channels / g.groups;
  const int64_t group_slots = round_up(group_out, kPanelChannels);
  const bool as_packed = g.source.u8 ? kernel.writes_u8 : kernel.int8_rows;
  const bool direct = as_packed && g.source.pixel_rows() && k % static_cast<int64_t>(kQuad) == 0;
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
    args.scratch = workspace;
    args.epilogue = g.epilogue;
    args.epilogue.bias += slot;
    args.epilogue.wsum += slot;
    args.epilogue.scale += slot;
    if (g.epilogue.rows.scale != nullptr) args.epilogue.rows.bias += slot;
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
      if (g.epilogue.rows.scale != nullptr) {
        args.epilogue.rows.scale = g.epilogue.rows.scale + row;
        args.epilogue.rows.zero_point = g.epilogue.rows.zero_point + row;
      }
      kernel.run(args);
      if (args.out != nullptr && g.epilogue.out_u8 && !kernel.writes_u8) {
        for (size_t i = 0; i < args.rows; ++i) {
          int8_t* to = args.out + i * args.out_stride;
          flip_signs(to, to, static_cast<int64_t>(args.channels));
        }
      }
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

bool RowSource::contiguous_taps() const { return channels == shape.c && window.dilation_w == 1; }

void pack_rows(const RowSource& s, const GemmKernel& kernel, int64_t first_channel, int64_t begin, int64_t end,
               char* dst, size_t stride) {
  const auto row_bytes = static_cast<int64_t>(stride);
  const int8_t* x = s.x + first_channel;
  const bool whole_pixels = s.pixel_rows() && s.channels == s.shape.c;
  if (whole_pixels && row_bytes == s.k() * static_cast<int64_t>(kernel.element_bytes)) {
    KernelWriter{kernel, s.u8}.copy(dst, x + begin * s.shape.c, (end - begin) * s.k());
    return;
  }
  const int64_t run = s.contiguous_taps() ? s.window.kernel_w * s.channels : s.channels;
  const bool bytes_as_packed = s.u8 ? kernel.writes_u8 : kernel.int8_rows;
  if (kernel.element_bytes != 1 || run > ByteWriter::kLongest || (s.u8 && !bytes_as_packed)) {
    write_rows(s, KernelWriter{kernel, s.u8}, x, begin, end, dst, row_bytes);
    return;
  }
  if (!s.contiguous_taps()) {
    write_rows(s, ByteWriter{s.u8}, x, begin, end, dst, row_bytes);
  } else if (run <= 16) {
    write_short_runs<1>(s, x, begin, end, dst, row_bytes);
  } else {
    write_short_runs<2>(s, x, begin, end, dst, row_bytes);
  }
  if (!bytes_as_packed) {
    kernel.pack(dst, reinterpret_cast<const int8_t*>(dst), static_cast<size_t>((end - begin) * row_bytes));
  }
}

size_t row_gemm_workspace(const RowSource& source, int64_t out_channels, int64_t groups, int threads) {
  const auto gathered = static_cast<size_t>(task_bytes(source.rows(), source.k()) * std::max(threads, 1));
  if (!suits_lines(source, out_channels, groups)) return gathered;
  return std::max(gathered, line_gemm_workspace(source, out_channels, threads));
}

void row_gemm(const RowGemm& g, const Context& context) {
  const GemmKernel& kernel = select_gemm();
  if (kernel.reads_lines && suits_lines(g.source, g.out_channels, g.groups)) {
    line_gemm(g, kernel, context);
    return;
  }
  const int64_t rows = g.source.rows();
  const int64_t group_out = g.out_channels / g.groups;
  const int64_t bytes = task_bytes(rows, g.source.k());
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
