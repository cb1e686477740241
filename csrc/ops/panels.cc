#include "ops/panels.h"

#include <cstring>

#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr auto kQuadBytes = static_cast<int64_t>(kQuad);
constexpr auto kMostPixels = static_cast<int64_t>(kMostPanelPixels);

int64_t quads_of(int64_t k) { return (k + kQuadBytes - 1) / kQuadBytes; }

bool has_whole_quads(const RowSource& s) { return s.channels % kQuadBytes == 0; }

// Zero points in the form that the image is in.
int8_t padding_code(const RowSource& s) { return static_cast<int8_t>(s.u8 ? s.zero_point ^ 0x80 : s.zero_point); }

}  // namespace

int64_t PanelWriter::workspace_bytes(const RowSource& s) {
  return has_whole_quads(s) ? s.channels : kMostPixels * quads_of(s.k()) * kQuadBytes;
}

PanelWriter::PanelWriter(const RowSource& source, const SpgemmKernel& kernel, void* workspace)
    : source_(source),
      kernel_(kernel),
      whole_quads_(has_whole_quads(source)),
      memory_(static_cast<int8_t*>(workspace)) {
  if (whole_quads_) std::memset(memory_, padding_code(source), static_cast<size_t>(source.channels));
}

RowSource PanelWriter::plain_bytes() const {
  RowSource bytes = source_;
  bytes.u8 = false;
  bytes.zero_point = padding_code(source_);
  return bytes;
}

void PanelWriter::write_row(int64_t first_channel, int64_t pixel, char* row) const {
  const int64_t row_bytes = quads_of(source_.k()) * kQuadBytes;
  pack_rows(plain_bytes(), scalar::gemm, first_channel, pixel, pixel + 1, row, static_cast<size_t>(row_bytes));
  if (source_.u8 == kernel_.u8) return;
  for (int64_t i = 0; i < row_bytes; ++i) row[i] = static_cast<char>(row[i] ^ 0x80);
}

void PanelWriter::write(int64_t first_channel, int64_t begin, int64_t end, char* panel) const {
  const auto vector = static_cast<int64_t>(kernel_.vector);
  SpgemmPack pack{};
  pack.to = panel;
  pack.pixels = static_cast<size_t>((end - begin + vector - 1) / vector * vector);
  pack.flip = source_.u8 == kernel_.u8 ? 0 : 0x80;
  if (whole_quads_) {
    write_taps(first_channel, begin, end, pack);
    return;
  }
  const int64_t row_bytes = quads_of(source_.k()) * kQuadBytes;
  pack_rows(plain_bytes(), scalar::gemm, first_channel, begin, end, reinterpret_cast<char*>(memory_),
            static_cast<size_t>(row_bytes));
  const int8_t* rows[kMostPanelPixels];
  for (int64_t i = 0; i < static_cast<int64_t>(pack.pixels); ++i) {
    rows[i] = memory_ + (i < end - begin ? i : 0) * row_bytes;
  }
  pack.rows = rows;
  pack.quads = static_cast<size_t>(row_bytes / kQuadBytes);
  kernel_.pack(pack);
}

// One tap after the other: its rows of channels are where the window of each pixel meets the image.
void PanelWriter::write_taps(int64_t first_channel, int64_t begin, int64_t end, SpgemmPack pack) const {
  const RowSource& s = source_;
  const Window& w = s.window;
  const auto padded = static_cast<int64_t>(pack.pixels);
  // Of each window, which may begin outside of the image.
  int64_t origins[kMostPanelPixels], tops[kMostPanelPixels], lefts[kMostPanelPixels];
  // Counted on from pixel to pixel: divisions would take as long as a tap's channels.
  int64_t column = begin % s.out_w, line = begin / s.out_w % s.out_h, sample = begin / s.out_w / s.out_h;
  for (int64_t i = 0; i < end - begin; ++i) {
    tops[i] = line * w.stride_h - w.pad_top;
    lefts[i] = column * w.stride_w - w.pad_left;
    origins[i] = ((sample * s.shape.h + tops[i]) * s.shape.w + lefts[i]) * s.shape.c + first_channel;
    if (++column < s.out_w) continue;
    column = 0;
    if (++line < s.out_h) continue;
    line = 0;
    ++sample;
  }
  for (int64_t i = end - begin; i < padded; ++i) {
    tops[i] = tops[0];
    lefts[i] = lefts[0];
    origins[i] = origins[0];
  }
  const int8_t* rows[kMostPanelPixels];
  pack.rows = rows;
  pack.quads = static_cast<size_t>(s.channels / kQuadBytes);
  // Rows may alias what they point at, as far as the compiler knows: what the loop reads is in local variables. What is
  // negative is large without a sign.
  const int8_t* const image = s.x;
  const int8_t* const outside = memory_;
  const auto height = static_cast<uint64_t>(s.shape.h), width = static_cast<uint64_t>(s.shape.w);
  for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
    for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
      const int64_t y = kh * w.dilation_h, x = kw * w.dilation_w;
      const int64_t tap = (y * s.shape.w + x) * s.shape.c;
      for (int64_t i = 0; i < padded; ++i) {
        const bool in_height = static_cast<uint64_t>(tops[i] + y) < height;
        const bool in_width = static_cast<uint64_t>(lefts[i] + x) < width;
        rows[i] = (in_height & in_width) ? image + (origins[i] + tap) : outside;
      }
      kernel_.pack(pack);
      pack.to = static_cast<char*>(pack.to) + pack.pixels * pack.quads * kQuad;
    }
  }
}

}  // namespace mobilekernels
