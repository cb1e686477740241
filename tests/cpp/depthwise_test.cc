// Every depthwise kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/depthwise/depthwise.h"

#include <limits>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::DepthwiseArgs;
using mobilekernels::DepthwiseKernel;
using mobilekernels::OutputRange;
using mobilekernels::ResidualAdd;
using reference::clamp_round;
using reference::random_range;
using reference::random_zero_point;
using testing::Buffer;
using testing::Random;

constexpr size_t kPanel = 16;

size_t round_up(size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

// A case with everything in memory of its own, tables padded to 16 channels as the packed format promises.
struct Case {
  size_t pixels, channels, taps;
  Buffer<int8_t> pool;  // the pixels that the pointers point at; the last one ends at a page's end
  std::vector<const int8_t*> input;
  Buffer<int8_t> w, residual_data;
  Buffer<int32_t> bias, wsum;
  Buffer<float> scale;
  ResidualAdd residual{};
  DepthwiseArgs args{};

  Case(Random& random, size_t pixels_, size_t channels_, size_t taps_, bool with_residual)
      : pixels(pixels_),
        channels(channels_),
        taps(taps_),
        pool((pixels_ + taps_) * channels_),
        w(round_up(channels_) * taps_),
        residual_data(pixels_ * channels_),
        bias(round_up(channels_)),
        wsum(round_up(channels_)),
        scale(round_up(channels_)) {
    const bool extreme = random.integer(0, 3) == 0;
    for (int8_t& x : pool) x = static_cast<int8_t>(extreme ? random.pick({-128, 127}) : random.integer(-128, 127));
    std::memset(w.data(), 0, w.size());
    for (size_t c = 0; c < channels; ++c) {
      for (size_t t = 0; t < taps; ++t)
        weight(t, c) = static_cast<int8_t>(extreme ? random.pick({-127, 127}) : random.integer(-127, 127));
    }
    fill(random, residual_data);
    for (size_t c = 0; c < bias.size(); ++c) {
      bias[c] = c < channels ? static_cast<int32_t>(random.integer(-100000, 100000)) : 0;
      wsum[c] = 0;
      for (size_t t = 0; t < taps; ++t) wsum[c] += weight(t, c);
      // From "everything rounds to zero" through exact ties to "everything saturates".
      scale[c] = random.pick({1e-12f, 0.5f / 65536, 1.0f / 4096, 0.5f, 1.0f, 1e6f, 3e38f, random.real(0, 0.01f)});
    }
    const size_t last = pixels + taps - 1;
    for (size_t i = 0; i < pixels * taps; ++i) {
      input.push_back(&pool[static_cast<size_t>(random.integer(0, static_cast<int64_t>(last))) * channels]);
    }
    input[static_cast<size_t>(random.integer(0, static_cast<int64_t>(pixels * taps) - 1))] = &pool[last * channels];
    args.pixels = pixels;
    args.channels = channels;
    args.taps = taps;
    args.input = input.data();
    args.input_step = taps;
    args.w = w.data();
    args.out_stride = channels;
    args.epilogue.bias = bias.data();
    args.epilogue.wsum = wsum.data();
    args.epilogue.scale = scale.data();
    args.epilogue.output = random_range(random);
    if (with_residual) {
      residual.data = residual_data.data();
      residual.stride = channels;
      residual.main_scale = random.real(0, 2);
      residual.residual_scale = random.pick({0.5f, 1.0f, random.real(0, 2), 1e30f});
      residual.residual_zero_point = random_zero_point(random);
      residual.output = random_range(random);
      args.epilogue.residual = &residual;
    }
  }

  int8_t& weight(size_t t, size_t c) { return w[c / kPanel * taps * kPanel + t * kPanel + c % kPanel]; }

  int64_t accumulator(size_t p, size_t c) {
    int64_t acc = bias[c];
    for (size_t t = 0; t < taps; ++t) acc += int64_t{input[p * args.input_step + t][c]} * weight(t, c);
    return acc;
  }

  int8_t expected(size_t p, size_t c) {
    const OutputRange& output = args.epilogue.output;
    const int32_t main = clamp_round(static_cast<float>(accumulator(p, c)) * scale[c], output);
    if (args.epilogue.residual == nullptr) return static_cast<int8_t>(main + output.zero_point);
    const float a = static_cast<float>(main) * residual.main_scale;
    const float b =
        static_cast<float>(residual_data[p * channels + c] - residual.residual_zero_point) * residual.residual_scale;
    return static_cast<int8_t>(clamp_round(a + b, residual.output) + residual.output.zero_point);
  }

  std::string text() const {
    return std::to_string(pixels) + " pixels, " + std::to_string(channels) + " channels, " + std::to_string(taps) +
           " taps" + (args.epilogue.residual == nullptr ? "" : ", residual");
  }
};

void check(Case& c) {
  std::vector<int8_t> expected;
  std::vector<float> expected_float;
  for (size_t p = 0; p < c.pixels; ++p) {
    for (size_t k = 0; k < c.channels; ++k) {
      expected.push_back(c.expected(p, k));
      expected_float.push_back(static_cast<float>(c.accumulator(p, k)) * c.scale[k]);
    }
  }
  for (const auto& [isa, kernel] : testing::runnable_kernels<DepthwiseKernel>("depthwise")) {
    const std::string where = std::string(isa) + ", " + c.text();
    Buffer<int8_t> out(expected.size());
    c.args.out = out.data();
    c.args.out_float = nullptr;
    kernel->run(c.args);
    EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
    EXPECT(out.untouched_before());

    Buffer<float> out_float(expected.size());
    c.args.out = nullptr;
    c.args.out_float = out_float.data();
    kernel->run(c.args);
    EXPECT_SAME(out_float.data(), expected_float.data(), expected.size(), where + ", float");
    EXPECT(out_float.untouched_before());
  }
}

TEST(channels_and_taps) {
  Random random(1);
  for (size_t channels = 1; channels <= 67; ++channels) {
    for (size_t taps : {1, 2, 3, 4, 9, 25}) {
      Case c(random, static_cast<size_t>(random.integer(1, 4)), channels, taps, random.integer(0, 1) == 1);
      check(c);
    }
  }
}

TEST(many_channels) {
  Random random(2);
  for (size_t channels : {96, 127, 128, 129, 144, 200, 960}) {
    for (bool residual : {false, true}) {
      Case c(random, 3, channels, 9, residual);
      check(c);
    }
  }
}

TEST(kernels_of_more_taps_than_are_unpacked_at_once) {
  Random random(3);
  for (size_t taps : {49, 63, 64, 65, 81, 127, 128, 129, 225}) {
    for (size_t channels : {1, 15, 16, 40, 64, 70}) {
      Case c(random, 2, channels, taps, false);
      check(c);
    }
  }
}

TEST(windows_may_overlap) {
  Random random(4);
  for (size_t step : {1, 3, 6}) {
    Case c(random, 5, 21, 9, false);
    c.input.clear();
    for (size_t i = 0; i < step * (c.pixels - 1) + c.taps; ++i) {
      c.input.push_back(&c.pool[static_cast<size_t>(random.integer(0, 13)) * c.channels]);
    }
    c.args.input = c.input.data();
    c.args.input_step = step;
    check(c);
  }
}

// A row of output with room after each pixel: what lies there stays.
TEST(out_stride) {
  Random random(5);
  for (size_t channels : {5, 16, 37, 64, 80}) {
    Case c(random, 4, channels, 9, true);
    const size_t stride = channels + 7;
    c.args.out_stride = stride;
    for (const auto& [isa, kernel] : testing::runnable_kernels<DepthwiseKernel>("depthwise")) {
      Buffer<int8_t> out(c.pixels * stride);
      std::memset(out.data(), 77, out.size());
      c.args.out = out.data();
      kernel->run(c.args);
      for (size_t p = 0; p < c.pixels; ++p) {
        for (size_t k = 0; k < stride; ++k) {
          const int8_t expected = k < channels ? c.expected(p, k) : int8_t{77};
          testing::expect_equal(__FILE__, __LINE__, isa, out[p * stride + k], expected, c.text());
        }
      }
    }
  }
}

// The int32 accumulator is exact up to its end, and so is its conversion to float.
TEST(accumulators_at_the_ends_of_int32) {
  Random random(6);
  for (int32_t start :
       {std::numeric_limits<int32_t>::max() - 9 * 128 * 127, std::numeric_limits<int32_t>::min() + 9 * 128 * 127}) {
    Case c(random, 2, 35, 9, false);
    for (size_t k = 0; k < c.channels; ++k) {
      c.bias[k] = start;
      c.scale[k] = 0x1p-24f;
    }
    c.args.epilogue.output = {0, -128, 127};
    check(c);
  }
}

}  // namespace
