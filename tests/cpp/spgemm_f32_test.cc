// Every float32 block-sparse GEMM kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/spgemm_f32/spgemm_f32.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "testing.h"

namespace {

using mobilekernels::kMostPanelPixelsF32;
using mobilekernels::SpgemmF32Args;
using mobilekernels::SpgemmF32Kernel;
using testing::Buffer;
using testing::Random;

constexpr size_t kQuad = 4;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Of many magnitudes, so that every rounding counts: two of a product and a sum would show.
float any_number(Random& random) { return random.real(-1, 1) * random.pick({1e-3f, 1.0f, 1.0f, 1.0f, 1e3f}); }

// Random blocks, of which about one in `rarity` is there.
struct Case {
  size_t pixels, channels, quads, block_channels;
  std::vector<uint16_t> quad_numbers;
  std::vector<uint32_t> begins;  // behind the quads that it counts
  Buffer<uint32_t> begin;
  Buffer<uint16_t> quad;
  Buffer<float> w, x, bias;  // x: [pixels][4 * quads]
  float lo = -kInfinity, hi = kInfinity;

  Case(Random& random, size_t pixels_, size_t channels_, size_t quads_, size_t block, int64_t rarity)
      : pixels(pixels_),
        channels(channels_),
        quads(quads_),
        block_channels(block),
        begins(make_begins(random, round_up(channels_, block) / block, quads_, rarity)),
        begin(begins.size()),
        quad(quad_numbers.size()),
        w(quad_numbers.size() * kQuad * block),
        x(pixels_ * quads_ * kQuad),
        bias(round_up(channels_, block)) {
    std::copy(begins.begin(), begins.end(), begin.begin());
    std::copy(quad_numbers.begin(), quad_numbers.end(), quad.begin());
    for (Buffer<float>* values : {&w, &x, &bias}) {
      for (float& value : *values) value = any_number(random);
    }
  }

  float expected(size_t p, size_t c) {
    float sum = bias[c];
    const size_t row_group = c / block_channels;
    for (size_t b = begin[row_group]; b < begin[row_group + 1]; ++b) {
      for (size_t i = 0; i < kQuad; ++i) {
        const float weight = w[(b * kQuad + i) * block_channels + c % block_channels];
        sum = std::fma(x[p * quads * kQuad + quad[b] * kQuad + i], weight, sum);
      }
    }
    return sum < lo ? lo : sum > hi ? hi : sum;
  }

  std::string describe(const char* isa) const {
    return std::string(isa) + " pixels " + std::to_string(pixels) + " channels " + std::to_string(channels) +
           " quads " + std::to_string(quads) + " block " + std::to_string(block_channels);
  }

 private:
  std::vector<uint32_t> make_begins(Random& random, size_t row_groups, size_t quads_, int64_t rarity) {
    std::vector<uint32_t> all{0};
    for (size_t r = 0; r < row_groups; ++r) {
      for (size_t q = 0; q < quads_; ++q) {
        if (random.integer(1, rarity) == 1) quad_numbers.push_back(static_cast<uint16_t>(q));
      }
      all.push_back(static_cast<uint32_t>(quad_numbers.size()));
    }
    return all;
  }
};

SpgemmF32Args arguments(Case& c, size_t pixels, const float* panel, float* out, size_t out_stride) {
  SpgemmF32Args args{};
  args.pixels = pixels;
  args.panel = panel;
  args.channels = c.channels;
  args.block_channels = c.block_channels;
  args.begin = c.begin.data();
  args.quad = c.quad.data();
  args.w = c.w.data();
  args.bias = c.bias.data();
  args.lo = c.lo;
  args.hi = c.hi;
  args.out = out;
  args.out_stride = out_stride;
  return args;
}

// Pixels [first, first + pixels), as one panel, into rows of pixels with a gap behind each.
void check_panel(const char* isa, const SpgemmF32Kernel& kernel, Case& c, size_t first, size_t pixels) {
  const size_t stride = round_up(pixels, kernel.vector), k = c.quads * kQuad;
  Buffer<float> panel(k * stride);
  for (size_t i = 0; i < k; ++i) {
    for (size_t p = 0; p < stride; ++p) panel[i * stride + p] = p < pixels ? c.x[(first + p) * k + i] : 1.0f;
  }
  constexpr size_t kGap = 3;
  Buffer<float> out((c.channels - 1) * (pixels + kGap) + pixels), untouched(kGap);
  out.clear();
  untouched.clear();
  kernel.run(arguments(c, pixels, panel.data(), out.data(), pixels + kGap));
  std::vector<float> expected(pixels);
  for (size_t channel = 0; channel < c.channels; ++channel) {
    for (size_t p = 0; p < pixels; ++p) expected[p] = c.expected(first + p, channel);
    const float* row = out.data() + channel * (pixels + kGap);
    const std::string what = c.describe(isa) + " channel " + std::to_string(channel);
    EXPECT_SAME(row, expected.data(), pixels, what);
    if (channel + 1 < c.channels) EXPECT_SAME(row + pixels, untouched.data(), kGap, "past the pixels: " + what);
  }
  EXPECT(out.untouched_before());
}

void check_row(const char* isa, const SpgemmF32Kernel& kernel, Case& c) {
  Buffer<float> out(c.channels);
  kernel.run_row(arguments(c, 1, c.x.data(), out.data(), 0));
  std::vector<float> expected(c.channels);
  for (size_t channel = 0; channel < c.channels; ++channel) expected[channel] = c.expected(0, channel);
  EXPECT_SAME(out.data(), expected.data(), c.channels, c.describe(isa) + " as a row");
  EXPECT(out.untouched_before());
}

void check(Case& c) {
  for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmF32Kernel>("spgemm_f32")) {
    const size_t most = kernel->most_pixels(c.quads * kQuad, c.block_channels);
    for (size_t first = 0; first < c.pixels; first += most) {
      check_panel(isa, *kernel, c, first, std::min(most, c.pixels - first));
    }
    if (c.pixels == 1 && kernel->run_row != nullptr) check_row(isa, *kernel, c);
  }
}

void check_all(Random& random, size_t pixels, size_t channels, size_t quads, int64_t rarity) {
  for (const size_t block : {4, 1}) {
    Case c(random, pixels, channels, quads, block, rarity);
    check(c);
    c.lo = 0;
    c.hi = random.pick({6.0f, kInfinity});
    check(c);
  }
}

TEST(every_pixel_count) {
  Random random(1);
  for (size_t pixels = 1; pixels <= 49; ++pixels) check_all(random, pixels, 6, 3, 2);
  for (const size_t pixels : {63, 64, 65, 95, 97, 127, 128}) check_all(random, pixels, 5, 2, 2);
}

TEST(every_channel_tail) {
  Random random(2);
  for (size_t channels = 1; channels <= 18; ++channels) {
    for (const size_t pixels : {1, 11}) check_all(random, pixels, channels, 7, 2);
  }
}

TEST(no_block_every_block_few_blocks) {
  Random random(3);
  for (const int64_t rarity : {1, 10, 1000000}) {
    for (const size_t pixels : {1, 5, 30}) check_all(random, pixels, 21, 13, rarity);
  }
}

TEST(one_row_of_any_size) {
  Random random(4);
  for (const size_t quads : {1, 2, 5, 64, 301}) {
    for (const size_t channels : {1, 8, 33, 70}) check_all(random, 1, channels, quads, 3);
  }
}

TEST(long_k) {
  Random random(5);
  check_all(random, 30, 9, 700, 9);
}

// A kernel that multiplied and added in two steps, or clamped by its instruction's own idea of zeros and NaNs.
TEST(roundings_and_special_numbers) {
  Random random(6);
  for (const size_t pixels : {1, 13}) {
    for (const size_t block : {4, 1}) {
      Case c(random, pixels, 8, 2, block, 1);
      std::fill(c.bias.begin(), c.bias.end(), -1.0f);
      std::fill(c.w.begin(), c.w.end(), 0.0f);
      for (size_t channel = 0; channel < c.channels; ++channel) c.w[channel / block * 2 * kQuad * block] = 1 + 0x1p-12f;
      std::fill(c.x.begin(), c.x.end(), 0.0f);
      for (size_t p = 0; p < pixels; ++p) c.x[p * 2 * kQuad] = 1 + 0x1p-12f;
      EXPECT_EQ(c.expected(0, 0), 0x1p-11f + 0x1p-24f);
      check(c);
      std::fill(c.bias.begin(), c.bias.end(), -0.0f);
      std::fill(c.w.begin(), c.w.end(), -0.0f);
      c.lo = 0;
      EXPECT(std::signbit(c.expected(0, 0)) == std::signbit(-0.0f * c.x[0] + -0.0f));
      check(c);
      for (const float special : {kInfinity, -kInfinity, 1e-42f, 3e38f}) {
        std::fill(c.w.begin(), c.w.end(), 1.5f);
        std::fill(c.x.begin(), c.x.end(), special);
        check(c);
      }
    }
  }
}

TEST(a_nan_stays_one) {
  Random random(7);
  for (const size_t pixels : {1, 13}) {
    for (const size_t block : {4, 1}) {
      Case c(random, pixels, 8, 2, block, 1);
      std::fill(c.x.begin(), c.x.end(), std::numeric_limits<float>::quiet_NaN());
      c.lo = 0;
      c.hi = 6;
      for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmF32Kernel>("spgemm_f32")) {
        const size_t stride = round_up(pixels, kernel->vector);
        Buffer<float> panel(2 * kQuad * stride), out(c.channels * pixels);
        std::fill(panel.begin(), panel.end(), c.x[0]);
        kernel->run(arguments(c, pixels, panel.data(), out.data(), pixels));
        for (const float value : out) EXPECT(std::isnan(value));
        if (pixels > 1 || kernel->run_row == nullptr) continue;
        kernel->run_row(arguments(c, 1, c.x.data(), out.data(), 0));
        for (const float value : out) EXPECT(std::isnan(value));
      }
    }
  }
}

TEST(transposes_of_any_size) {
  Random random(8);
  for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmF32Kernel>("spgemm_f32")) {
    for (const size_t rows : {1, 3, 4, 7, 8, 9, 16, 21}) {
      for (const size_t columns : {1, 2, 4, 5, 8, 12, 17}) {
        const size_t from_stride = columns + 2, to_stride = rows + 1;
        Buffer<float> from((rows - 1) * from_stride + columns), to((columns - 1) * to_stride + rows);
        for (float& value : from) value = any_number(random);
        to.clear();
        std::vector<float> expected(to.begin(), to.end());
        for (size_t r = 0; r < rows; ++r) {
          for (size_t c = 0; c < columns; ++c) expected[c * to_stride + r] = from[r * from_stride + c];
        }
        kernel->transpose({from.data(), from_stride, rows, columns, to.data(), to_stride});
        EXPECT_SAME(to.data(), expected.data(), to.size(),
                    std::string(isa) + " " + std::to_string(rows) + " x " + std::to_string(columns));
        EXPECT(to.untouched_before());
      }
    }
  }
}

TEST(panels_are_what_callers_rely_on) {
  for (const auto& [isa, kernel] : testing::runnable_kernels<SpgemmF32Kernel>("spgemm_f32")) {
    for (const size_t k : {4, 40, 400, 4000, 262140}) {
      for (const size_t block : {1, 4}) {
        const size_t most = kernel->most_pixels(k, block);
        EXPECT(most >= kernel->vector && most <= kMostPanelPixelsF32 && most % kernel->vector == 0);
      }
    }
  }
}

}  // namespace
