// Every block-sparse GEMM kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/spgemm/spgemm.h"

#include <algorithm>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::kMostPanelPixels;
using mobilekernels::kMostVectorPixels;
using mobilekernels::ResidualAdd;
using mobilekernels::SpgemmArgs;
using mobilekernels::SpgemmKernel;
using testing::Buffer;
using testing::Random;

constexpr size_t kQuad = 4;
constexpr size_t kTableChannels = 16;

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// The index of random blocks, of which about one in `rarity` is there.
struct Index {
  std::vector<uint32_t> begin{0};
  std::vector<uint16_t> quad;

  Index(Random& random, size_t row_groups, size_t quads, int64_t rarity) {
    for (size_t r = 0; r < row_groups; ++r) {
      for (size_t q = 0; q < quads; ++q) {
        if (random.integer(1, rarity) == 1) quad.push_back(static_cast<uint16_t>(q));
      }
      begin.push_back(static_cast<uint32_t>(quad.size()));
    }
  }
};

template <typename T>
void copy_to(const std::vector<T>& from, Buffer<T>& to) {
  std::copy(from.begin(), from.end(), to.begin());
}

struct Case {
  size_t pixels, channels, quads, block_channels;
  Index index;
  Buffer<uint32_t> begin;
  Buffer<uint16_t> quad;
  Buffer<int8_t> w, x, residual_data;
  Buffer<int32_t> bias, wsum;
  Buffer<float> scale;
  ResidualAdd residual{};
  mobilekernels::Epilogue epilogue{};

  Case(Random& random, size_t pixels_, size_t channels_, size_t quads_, size_t block, int64_t rarity, bool add)
      : pixels(pixels_),
        channels(channels_),
        quads(quads_),
        block_channels(block),
        index(random, round_up(channels_, kTableChannels) / block, quads_, rarity),
        begin(index.begin.size()),
        quad(index.quad.size()),
        w(index.quad.size() * block * kQuad),
        x(pixels_ * quads_ * kQuad),
        residual_data(pixels_ * channels_),
        bias(round_up(channels_, kTableChannels)),
        wsum(bias.size()),
        scale(bias.size()) {
    copy_to(index.begin, begin);
    copy_to(index.quad, quad);
    const bool extreme = random.integer(0, 3) == 0;
    for (int8_t& value : x) value = static_cast<int8_t>(extreme ? -128 : random.integer(-128, 127));
    for (int8_t& value : w) {
      value = static_cast<int8_t>(extreme ? random.pick({-127, 127}) : random.integer(-127, 127));
    }
    fill(random, residual_data);
    for (size_t c = 0; c < bias.size(); ++c) {
      bias[c] = static_cast<int32_t>(random.integer(-100000, 100000));
      scale[c] = random.pick({1e-12f, 0.5f / 65536, 1.0f / 4096, 0.5f, 1.0f, 1e6f, 3e38f, random.real(0, 0.01f)});
      wsum[c] = 0;
      for_weights(c, [&](size_t, int8_t weight) { wsum[c] += weight; });
    }
    epilogue = {bias.data(), wsum.data(), scale.data(), reference::random_range(random), nullptr};
    if (add) {
      residual = {residual_data.data(),
                  channels,
                  random.real(0.01f, 4.0f),
                  random.real(0.01f, 4.0f),
                  reference::random_zero_point(random),
                  reference::random_range(random)};
      epilogue.residual = &residual;
    }
  }

  // body(k, weight) for what channel `c` has.
  template <typename Body>
  void for_weights(size_t c, const Body& body) {
    const size_t row_group = c / block_channels;
    for (size_t b = begin[row_group]; b < begin[row_group + 1]; ++b) {
      for (size_t i = 0; i < kQuad; ++i) {
        body(quad[b] * kQuad + i, w[(b * block_channels + c % block_channels) * kQuad + i]);
      }
    }
  }

  float scaled(size_t p, size_t c) {
    int64_t acc = bias[c];
    for_weights(c, [&](size_t k, int8_t weight) { acc += int64_t{x[p * quads * kQuad + k]} * weight; });
    return static_cast<float>(static_cast<int32_t>(acc)) * scale[c];
  }

  int8_t expected(size_t p, size_t c) {
    const int32_t main = reference::clamp_round(scaled(p, c), epilogue.output);
    if (epilogue.residual == nullptr) return static_cast<int8_t>(main + epilogue.output.zero_point);
    const float a = static_cast<float>(main) * residual.main_scale;
    const float b =
        static_cast<float>(residual_data[p * channels + c] - residual.residual_zero_point) * residual.residual_scale;
    return reference::to_int8(a + b, residual.output);
  }
};

std::string describe(const char* isa, const Case& c, size_t panel_pixels) {
  return std::string(isa) + " pixels " + std::to_string(c.pixels) + " channels " + std::to_string(c.channels) +
         " quads " + std::to_string(c.quads) + " block " + std::to_string(c.block_channels) + " panel " +
         std::to_string(panel_pixels);
}

// Bytes of all panels, the last one's lanes beyond the last pixel among them.
size_t panels_bytes(const SpgemmKernel& kernel, const Case& c, size_t panel_pixels) {
  const size_t whole = c.pixels / panel_pixels * panel_pixels;
  return (whole + round_up(c.pixels - whole, kernel.vector)) * c.quads * kQuad;
}

// Packed by the kernel in two parts of each panel, from rows that end where a page does.
void write_panels(const SpgemmKernel& kernel, Case& c, size_t panel_pixels, Buffer<int8_t>& panels) {
  const size_t parts[] = {c.quads / 3, c.quads - c.quads / 3};
  for (size_t first = 0; first < c.pixels; first += panel_pixels) {
    const size_t pixels = std::min(panel_pixels, c.pixels - first);
    const size_t padded = round_up(pixels, kernel.vector);
    size_t done = 0;
    for (const size_t quads : parts) {
      std::vector<const int8_t*> rows;
      for (size_t p = 0; p < padded; ++p) {
        rows.push_back(c.x.data() + ((first + (p < pixels ? p : 0)) * c.quads + done) * kQuad);
      }
      char* to = reinterpret_cast<char*>(panels.data()) + first * c.quads * kQuad + done * padded * kQuad;
      kernel.pack({to, padded, quads, rows.data(), static_cast<uint8_t>(kernel.u8 ? 0x80 : 0)});
      done += quads;
    }
  }
}

template <typename T>
void check(const char* isa, const SpgemmKernel& kernel, Case& c, T* SpgemmArgs::* output,
           const std::vector<T>& expected, size_t panel_pixels, bool as_row, bool out_u8) {
  Buffer<int8_t> panels(as_row ? c.quads * kQuad : panels_bytes(kernel, c, panel_pixels));
  if (as_row) {
    for (size_t i = 0; i < panels.size(); ++i) panels[i] = static_cast<int8_t>(c.x[i] ^ (kernel.u8 ? 0x80 : 0));
  } else {
    write_panels(kernel, c, panel_pixels, panels);
    EXPECT(panels.untouched_before());
  }
  constexpr size_t kGap = 5;
  Buffer<T> out(c.pixels * (c.channels + kGap));
  out.clear();
  Buffer<T> untouched(kGap);
  untouched.clear();
  Buffer<int8_t> scratch(round_up(mobilekernels::spgemm_scratch_bytes(c.quads), 64));
  SpgemmArgs args{};
  args.pixels = c.pixels;
  args.panel_pixels = panel_pixels;
  args.quads = c.quads;
  args.panels = panels.data();
  args.channels = c.channels;
  args.block_channels = c.block_channels;
  args.begin = c.begin.data();
  args.quad = c.quad.data();
  args.w = c.w.data();
  args.*output = out.data();
  args.out_stride = c.channels + kGap;
  args.scratch = scratch.data();
  args.epilogue = c.epilogue;
  args.epilogue.out_u8 = out_u8;
  as_row ? kernel.run_row(args) : kernel.run(args);
  const std::string what = describe(isa, c, panel_pixels) + (as_row ? " as a row" : "") + (out_u8 ? " to uint8" : "");
  for (size_t p = 0; p < c.pixels; ++p) {
    T* row = out.data() + p * args.out_stride;
    for (size_t i = 0; out_u8 && i < c.channels; ++i) row[i] = static_cast<T>(static_cast<int>(row[i]) ^ -128);
    EXPECT_SAME(row, &expected[p * c.channels], c.channels, what + " pixel " + std::to_string(p));
    EXPECT_SAME(row + c.channels, untouched.data(), kGap, "past the pixel: " + what);
  }
  EXPECT(out.untouched_before());
  EXPECT(scratch.untouched_before());
}

void check_all(Random& random, size_t pixels, size_t channels, size_t quads, int64_t rarity) {
  for (const size_t block : {4, 1}) {
    for (const bool add : {false, true}) {
      Case c(random, pixels, channels, quads, block, rarity, add);
      std::vector<int8_t> expected(pixels * channels);
      std::vector<float> floats(pixels * channels);
      for (size_t i = 0; i < expected.size(); ++i) {
        expected[i] = c.expected(i / channels, i % channels);
        floats[i] = c.scaled(i / channels, i % channels);
      }
      for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmKernel>("spgemm")) {
        const size_t most = kernel->most_pixels(quads, block);
        const size_t some = kernel->vector * static_cast<size_t>(random.integer(1, int64_t(most / kernel->vector)));
        for (const size_t panel : {most, some}) {
          check(isa, *kernel, c, &SpgemmArgs::out, expected, panel, false, false);
          if (kernel->u8) check(isa, *kernel, c, &SpgemmArgs::out, expected, panel, false, true);
          check(isa, *kernel, c, &SpgemmArgs::out_float, floats, panel, false, false);
        }
        if (pixels > 1 || kernel->run_row == nullptr) continue;
        check(isa, *kernel, c, &SpgemmArgs::out, expected, 1, true, false);
        if (kernel->u8) check(isa, *kernel, c, &SpgemmArgs::out, expected, 1, true, true);
        check(isa, *kernel, c, &SpgemmArgs::out_float, floats, 1, true, false);
      }
    }
  }
}

TEST(every_pixel_count_and_channel_tail) {
  Random random(1);
  for (const size_t pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 24, 31, 33}) {
    for (const size_t channels : {1, 3, 12, 16, 22}) check_all(random, pixels, channels, 7, 2);
  }
}

TEST(every_quad_count) {
  Random random(2);
  for (size_t quads = 1; quads <= 20; ++quads) check_all(random, 11, 19, quads, 2);
}

TEST(no_block_every_block_few_blocks) {
  Random random(3);
  for (const int64_t rarity : {1, 10, 1000000}) {
    for (const size_t pixels : {1, 5, 50}) check_all(random, pixels, 37, 23, rarity);
  }
}

TEST(one_row_of_any_size) {
  Random random(4);
  for (const size_t quads : {1, 2, 5, 64, 301}) {
    for (const size_t channels : {1, 16, 63, 130}) check_all(random, 1, channels, quads, 3);
  }
}

TEST(many_panels_and_long_rows) {
  Random random(5);
  for (int i = 0; i < 6; ++i) {
    check_all(random, static_cast<size_t>(random.integer(60, 200)), static_cast<size_t>(random.integer(1, 70)),
              static_cast<size_t>(random.integer(1, 300)), 5);
  }
  check_all(random, 40, 5, 1500, 6);
}

// AVX2 adds magnitudes times what may be as little as -128: no sum of products may saturate, whatever the signs are.
TEST(extreme_activations_by_extreme_weights) {
  Random random(6);
  for (const size_t pixels : {1, 20}) {
    for (const int8_t value : {-128, 127}) {
      for (const int8_t weight : {-127, 127}) {
        for (const size_t block : {4, 1}) {
          Case c(random, pixels, 20, 9, block, 1, false);
          std::fill(c.x.begin(), c.x.end(), value);
          std::fill(c.w.begin(), c.w.end(), weight);
          for (size_t channel = 0; channel < c.bias.size(); ++channel) {
            c.wsum[channel] = static_cast<int32_t>(9 * kQuad) * weight;
            c.scale[channel] = 1.0f / 8192;
          }
          std::vector<int8_t> expected(pixels * c.channels);
          for (size_t i = 0; i < expected.size(); ++i) expected[i] = c.expected(i / c.channels, i % c.channels);
          for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmKernel>("spgemm")) {
            check(isa, *kernel, c, &SpgemmArgs::out, expected, kernel->most_pixels(9, block), false, false);
            if (pixels > 1 || kernel->run_row == nullptr) continue;
            check(isa, *kernel, c, &SpgemmArgs::out, expected, 1, true, false);
          }
        }
      }
    }
  }
}

TEST(panels_are_what_callers_rely_on) {
  for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmKernel>("spgemm")) {
    EXPECT(kernel->vector >= 1 && kMostVectorPixels % kernel->vector == 0);
    for (const size_t quads : {1, 10, 100, 1000, 65535}) {
      for (const size_t block : {1, 4}) {
        const size_t most = kernel->most_pixels(quads, block);
        EXPECT(most >= kernel->vector && most <= kMostPanelPixels && most % kernel->vector == 0);
      }
    }
  }
}

}  // namespace
