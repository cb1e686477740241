// What depthwise kernels share. Channels go in blocks, one block after the other: its weights are unpacked once a call,
// and its part of the padded image passes through a ring of rows, a vector a column. There padding is no special case,
// nothing is loaded in part, and values are in the form that the ISA multiplies.
//
// A block that does not fill a column shares them with itself: the call's rows are cut into bands of equal height,
// and a column holds the block's channels of each band (32 channels: rows y and y + band_rows). So 16 channels cost a
// quarter of 64. A column is one lane of work or several: what the ISA does at a time.
//
// An ISA has a struct, in an anonymous namespace (what is made from it has internal linkage), with
//   static constexpr size_t kChannels;  // of a column
//   static constexpr size_t kLane;      // of a lane
//   using Element;                      // a value in the ring
//   static void copy(Element* to, const int8_t* from, size_t pixels, size_t step, size_t n);
//                                       // n channels of pixels that are `step` bytes apart; where the ring
//                                       // has q + 128 (uint8_t), also `from` such values
//   struct Constants; static Constants load_constants(const Epilogue&);
//   struct Weights;                     // and whatever else is the same for all rows of a lane
//   static Weights unpack_weights(const DepthwiseArgs&, const Constants&, const Block&, Arena&);
//   static void run_row(const Row<Element>&, const Weights&);
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/depthwise/depthwise.h"

namespace mobilekernels::depthwise_loops {

constexpr size_t kPanel = 16;  // channels of a weight panel

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Channels first .. first + n - 1, n <= width.
struct Block {
  size_t first, n, width;
  size_t bands, band_rows;  // of output
};

// What a lane does at a time: one output row of each of its bands, y, y + band_rows ...
template <typename Element>
struct Row {
  const DepthwiseArgs& args;
  const Block& block;
  const Element* const* window;  // the rows of the ring that its taps read, kernel_h
  size_t offset;                 // of the lane in a column
  const Element** taps;          // room for pointers to all taps, and 4 more
  size_t y;
  size_t bands;      // that have such a row, of those in the lane
  size_t band_step;  // elements of the output from one's to the next one's
};

// Hands out parts of the scratch memory.
struct Arena {
  char* next;
};

template <typename T>
[[gnu::always_inline]] static inline T* take(Arena& arena, size_t n) {
  constexpr size_t kAlignment = 64;
  T* part = reinterpret_cast<T*>(arena.next);
  arena.next += (n * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
  return part;
}

// Weights of tap i * kernel_w + j, channels c .. c + 15, c a multiple of 16.
static inline const int8_t* weights_at(const DepthwiseArgs& args, size_t c, size_t tap) {
  return args.w + c * args.shape.kernel_h * args.shape.kernel_w + tap * kPanel;
}

// Output pixels from the call's first to this one.
static inline size_t pixel_index(const DepthwiseArgs& args, size_t y, size_t x) {
  return (y - args.row_begin) * args.shape.out_w + x;
}

// The residual of channel c of a pixel, or null.
static inline const int8_t* residual_at(const DepthwiseArgs& args, size_t pixel, size_t c) {
  const ResidualAdd* add = args.epilogue.residual;
  return add == nullptr ? nullptr : add->data + pixel * add->stride + c;
}

// Rows of the padded image; those of further bands stand beside those of the first.
template <typename Element>
struct Ring {
  Element* data;
  size_t rows;  // of a window; a row that the next window has, too, stays where it is
  size_t columns;
  size_t begin, end;  // columns of the image
};

// Pixels of the image (a row of it) into one band of a row of the ring.
template <typename Isa, typename Code>
static inline void copy_codes(const DepthwiseArgs& args, const Block& block, typename Isa::Element* to,
                              const Code* from, size_t pixels) {
  const size_t multiplier = args.shape.multiplier, step = args.shape.channels / multiplier;
  if (multiplier == 1) {
    Isa::copy(to, from + block.first, pixels, step, block.n);
    return;
  }
  for (; pixels > 0; --pixels, to += Isa::kChannels, from += step) {
    Code pixel[Isa::kChannels];
    for (size_t i = 0; i < block.n; ++i) pixel[i] = from[(block.first + i) / multiplier];
    Isa::copy(to, pixel, 1, 0, block.n);
  }
}

template <typename Isa>
static inline void copy_pixels(const DepthwiseArgs& args, const Block& block, typename Isa::Element* to,
                               const int8_t* from, size_t pixels) {
  if constexpr (std::is_same_v<typename Isa::Element, uint8_t>) {
    if (args.x_u8) return copy_codes<Isa>(args, block, to, reinterpret_cast<const uint8_t*>(from), pixels);
  } else if (args.x_u8) {
    const size_t multiplier = args.shape.multiplier;
    for (; pixels > 0; --pixels, to += Isa::kChannels, from += args.shape.channels / multiplier) {
      int8_t pixel[Isa::kChannels];
      for (size_t i = 0; i < block.n; ++i) pixel[i] = static_cast<int8_t>(from[(block.first + i) / multiplier] ^ 0x80);
      Isa::copy(to, pixel, 1, 0, block.n);
    }
    return;
  }
  copy_codes<Isa>(args, block, to, from, pixels);
}

template <typename Isa>
static inline void pad(const DepthwiseArgs& args, typename Isa::Element* to, size_t pixels, size_t n) {
  int8_t pixel[Isa::kChannels];
  __builtin_memset(pixel, args.zero_point, Isa::kChannels);
  Isa::copy(to, pixel, pixels, 0, n);
}

// What is left and right of the image is the same in all rows, and stays in the ring.
template <typename Isa>
static inline Ring<typename Isa::Element> make_ring(const DepthwiseArgs& args, Arena& arena) {
  const DepthwiseShape& s = args.shape;
  Ring<typename Isa::Element> ring{};
  ring.rows = (s.kernel_h - 1) * s.dilation_h + 1;
  ring.columns = (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
  ring.begin = smaller(s.pad_left, ring.columns);
  ring.end = smaller(s.pad_left + s.in_w, ring.columns);
  // Vectors of several columns may go on past the last.
  ring.data = take<typename Isa::Element>(arena, (ring.rows * ring.columns + 4 * s.dilation_w) * Isa::kChannels);
  for (size_t row = 0; row < ring.rows; ++row) {
    auto* to = ring.data + row * ring.columns * Isa::kChannels;
    pad<Isa>(args, to, ring.begin, Isa::kChannels);
    pad<Isa>(args, to + ring.end * Isa::kChannels, ring.columns - ring.end, Isa::kChannels);
  }
  return ring;
}

// The windows of the bands' i-th output rows into the ring.
template <typename Isa>
static inline void fill_window(const DepthwiseArgs& args, const Block& block, const Ring<typename Isa::Element>& ring,
                               size_t i, const typename Isa::Element** window) {
  const DepthwiseShape& s = args.shape;
  const size_t first = (args.row_begin + i) * s.stride_h, slot = i * s.stride_h % ring.rows;
  const size_t image_row = s.in_w * (s.channels / s.multiplier);
  const auto at = [&](size_t k) {  // row k of the window
    const size_t row_slot = slot + k < ring.rows ? slot + k : slot + k - ring.rows;
    return ring.data + row_slot * ring.columns * Isa::kChannels;
  };
  for (size_t k = i == 0 ? 0 : ring.rows - smaller(ring.rows, s.stride_h); k < ring.rows; ++k) {
    for (size_t band = 0; band < block.bands; ++band) {
      const size_t row = first + k + band * block.band_rows * s.stride_h;
      auto* to = at(k) + ring.begin * Isa::kChannels + band * block.width;
      if (row < s.pad_top || row - s.pad_top >= s.in_h) {
        pad<Isa>(args, to, ring.end - ring.begin, block.n);
      } else {
        copy_pixels<Isa>(args, block, to, args.x + (row - s.pad_top) * image_row, ring.end - ring.begin);
      }
    }
  }
  for (size_t k = 0; k < s.kernel_h; ++k) window[k] = at(k * s.dilation_h);
}

template <typename Isa>
static inline void run_block(const DepthwiseArgs& args, const typename Isa::Constants& constants, const Block& block) {
  const DepthwiseShape& s = args.shape;
  constexpr size_t kLanes = Isa::kChannels / Isa::kLane;
  Arena arena{static_cast<char*>(args.scratch)};
  const auto ring = make_ring<Isa>(args, arena);
  const auto** window = take<const typename Isa::Element*>(arena, s.kernel_h);
  const auto** taps = take<const typename Isa::Element*>(arena, s.kernel_h * s.kernel_w + 4);
  Block parts[kLanes];
  typename Isa::Weights weights[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t c = lane * Isa::kLane % block.width;
    parts[lane] = block;
    parts[lane].first += c;
    parts[lane].n = c < block.n ? smaller(block.n - c, Isa::kLane) : 0;
    if (parts[lane].n > 0) weights[lane] = Isa::unpack_weights(args, constants, parts[lane], arena);
  }
  const size_t band_step = block.band_rows * s.out_w * args.out_stride;
  for (size_t i = 0; i < block.band_rows; ++i) {
    fill_window<Isa>(args, block, ring, i, window);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t offset = lane * Isa::kLane, y = args.row_begin + offset / block.width * block.band_rows + i;
      if (parts[lane].n == 0 || y >= args.row_end) continue;
      size_t bands = 1;
      while (bands * block.width < Isa::kLane && y + bands * block.band_rows < args.row_end) ++bands;
      Isa::run_row({args, parts[lane], window, offset, taps, y, bands, band_step}, weights[lane]);
    }
  }
}

// The smallest part of a column that holds what is left, or the most of it without a waste.
template <typename Isa>
static inline size_t block_width(size_t channels) {
  size_t width = Isa::kChannels;
  while (width > kPanel && channels <= width - kPanel) width /= 2;
  return width;
}

template <typename Isa>
static inline void run(const DepthwiseArgs& args) {
  const typename Isa::Constants constants = Isa::load_constants(args.epilogue);
  Block block{};
  for (; block.first < args.shape.channels; block.first += block.width) {
    const size_t left = args.shape.channels - block.first;
    block.width = block_width<Isa>(left);
    block.n = smaller(left, block.width);
    block.bands = Isa::kChannels / block.width;
    block.band_rows = (args.row_end - args.row_begin + block.bands - 1) / block.bands;
    run_block<Isa>(args, constants, block);
  }
}

// Pointers to all taps of a row's first pixel, in the order of weights. The next pixel's are stride_w columns on.
template <typename Isa>
static inline void point_at_taps(const Row<typename Isa::Element>& row) {
  const DepthwiseShape& s = row.args.shape;
  auto** to = row.taps;
  for (size_t i = 0; i < s.kernel_h; ++i) {
    for (size_t j = 0; j < s.kernel_w; ++j) *to++ = row.window[i] + row.offset + j * s.dilation_w * Isa::kChannels;
  }
}

}  // namespace mobilekernels::depthwise_loops
