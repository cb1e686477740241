// Every depthwise kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/depthwise/depthwise.h"

#include <cmath>
#include <limits>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::depthwise_scratch_bytes;
using mobilekernels::DepthwiseArgs;
using mobilekernels::DepthwiseKernel;
using mobilekernels::DepthwiseShape;
using mobilekernels::OutputRange;
using mobilekernels::ResidualAdd;
using reference::clamp_round;
using reference::random_range;
using reference::random_zero_point;
using testing::Buffer;
using testing::Random;

constexpr size_t kPanel = 16;

size_t round_up(size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

size_t pick(Random& random, int64_t least, int64_t most) { return static_cast<size_t>(random.integer(least, most)); }

// Square kernel, stride and dilation, an output of any width: what the image does not reach is padding.
DepthwiseShape shape_of(Random& random, size_t channels, size_t kernel, size_t stride = 1, size_t dilation = 1) {
  DepthwiseShape s{};
  s.in_h = pick(random, 1, 9);
  s.in_w = pick(random, 1, 9);
  s.channels = channels;
  s.multiplier = 1;
  s.out_w = pick(random, 1, 9);
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.dilation_h = s.dilation_w = dilation;
  s.pad_top = pick(random, 0, 3);
  s.pad_left = pick(random, 0, 3);
  return s;
}

// A case with everything in memory of its own, tables padded to 16 channels as the packed format promises.
struct Case {
  DepthwiseShape shape;
  size_t row_begin, row_end, pixels;
  Buffer<int8_t> x, w, residual_data;
  Buffer<int32_t> bias, wsum;
  Buffer<float> scale;
  ResidualAdd residual{};
  DepthwiseArgs args{};

  Case(Random& random, const DepthwiseShape& s, size_t begin, size_t end, bool with_residual)
      : shape(s),
        row_begin(begin),
        row_end(end),
        pixels((end - begin) * s.out_w),
        x(s.in_h * s.in_w * s.channels / s.multiplier),
        w(round_up(s.channels) * s.kernel_h * s.kernel_w),
        residual_data(pixels * s.channels),
        bias(round_up(s.channels)),
        wsum(round_up(s.channels)),
        scale(round_up(s.channels)) {
    const bool extreme = random.integer(0, 3) == 0, any_scale = random.integer(0, 1) == 0;
    for (int8_t& v : x) v = static_cast<int8_t>(extreme ? random.pick({-128, 127}) : random.integer(-128, 127));
    std::memset(w.data(), 0, w.size());
    for (size_t c = 0; c < s.channels; ++c) {
      for (size_t t = 0; t < s.kernel_h * s.kernel_w; ++t)
        weight(t, c) = static_cast<int8_t>(extreme ? random.pick({-127, 127}) : random.integer(-127, 127));
    }
    for (int8_t& v : residual_data) v = static_cast<int8_t>(random.integer(-128, 127));
    for (size_t c = 0; c < bias.size(); ++c) {
      bias[c] = c < s.channels ? static_cast<int32_t>(random.integer(-100000, 100000)) : 0;
      wsum[c] = 0;
      for (size_t t = 0; t < s.kernel_h * s.kernel_w; ++t) wsum[c] += weight(t, c);
      // From "everything rounds to zero" through exact ties to "everything saturates"; there is faster code for scales
      // that are all below 1.
      const float below_1 = std::nextafter(1.0f, 0.0f);
      scale[c] = random.pick({1e-12f, 0.5f / 65536, 1.0f / 4096, 0.5f, below_1, random.real(0, 0.01f)});
      if (any_scale) scale[c] = random.pick({scale[c], 1.0f, 1e6f, 3e38f});
    }
    args.shape = s;
    args.x = x.data();
    args.zero_point = static_cast<int8_t>(random_zero_point(random));
    args.w = w.data();
    args.row_begin = begin;
    args.row_end = end;
    args.out_stride = s.channels;
    args.epilogue.bias = bias.data();
    args.epilogue.wsum = wsum.data();
    args.epilogue.scale = scale.data();
    args.epilogue.output = random_range(random);
    if (with_residual) {
      residual.data = residual_data.data();
      residual.stride = s.channels;
      residual.main_scale = random.real(0, 2);
      residual.residual_scale = random.pick({0.5f, 1.0f, random.real(0, 2), 1e30f});
      residual.residual_zero_point = random_zero_point(random);
      residual.output = random_range(random);
      args.epilogue.residual = &residual;
    }
  }

  int8_t& weight(size_t t, size_t c) {
    return w[c / kPanel * shape.kernel_h * shape.kernel_w * kPanel + t * kPanel + c % kPanel];
  }

  int8_t value(int64_t y, int64_t column, size_t c) {
    const auto h = static_cast<int64_t>(shape.in_h), width = static_cast<int64_t>(shape.in_w);
    if (y < 0 || y >= h || column < 0 || column >= width) return args.zero_point;
    const size_t in_channels = shape.channels / shape.multiplier;
    return x[static_cast<size_t>(y * width + column) * in_channels + c / shape.multiplier];
  }

  // Of pixel p of the call.
  int64_t accumulator(size_t p, size_t c) {
    const size_t top = (row_begin + p / shape.out_w) * shape.stride_h, left = p % shape.out_w * shape.stride_w;
    int64_t acc = bias[c];
    for (size_t i = 0; i < shape.kernel_h; ++i) {
      for (size_t j = 0; j < shape.kernel_w; ++j) {
        const auto y = static_cast<int64_t>(top + i * shape.dilation_h) - static_cast<int64_t>(shape.pad_top);
        const auto column = static_cast<int64_t>(left + j * shape.dilation_w) - static_cast<int64_t>(shape.pad_left);
        acc += int64_t{value(y, column, c)} * weight(i * shape.kernel_w + j, c);
      }
    }
    return acc;
  }

  int8_t expected(size_t p, size_t c) {
    const OutputRange& output = args.epilogue.output;
    const int32_t main = clamp_round(static_cast<float>(accumulator(p, c)) * scale[c], output);
    if (args.epilogue.residual == nullptr) return static_cast<int8_t>(main + output.zero_point);
    const float a = static_cast<float>(main) * residual.main_scale;
    const float b = static_cast<float>(residual_data[p * shape.channels + c] - residual.residual_zero_point) *
                    residual.residual_scale;
    return static_cast<int8_t>(clamp_round(a + b, residual.output) + residual.output.zero_point);
  }

  // In scratch memory that ends at a page's end.
  void run(const DepthwiseKernel& kernel) {
    const size_t bytes = depthwise_scratch_bytes(shape);
    EXPECT_EQ(bytes % 64, size_t{0});
    Buffer<int8_t> scratch(bytes);
    args.scratch = scratch.data();
    kernel.run(args);
    EXPECT(scratch.untouched_before());
  }

  std::string text() const {
    const DepthwiseShape& s = shape;
    std::ostringstream out;
    out << s.channels << " channels, multiplier " << s.multiplier << ", image " << s.in_h << "x" << s.in_w
        << ", kernel " << s.kernel_h << "x" << s.kernel_w << ", stride " << s.stride_h << "x" << s.stride_w
        << ", dilation " << s.dilation_h << "x" << s.dilation_w << ", padding " << s.pad_top << ", " << s.pad_left
        << ", rows " << row_begin << " to " << row_end << " of " << s.out_w
        << (args.epilogue.residual == nullptr ? "" : ", residual");
    return out.str();
  }
};

// uint8 in, and out where the kernel can: the same codes, each + 128. An int8 run's output is `expected`.
void check_u8(Case& c, const DepthwiseKernel& kernel, const std::vector<int8_t>& expected, const std::string& where) {
  for (const bool in : {false, true}) {
    for (const bool out : {false, true}) {
      if (in == out && !in) continue;
      if (out && !kernel.writes_u8) continue;
      Buffer<int8_t> x(c.x.size()), to(expected.size());
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int8_t>(c.x[i] ^ (in ? -128 : 0));
      std::vector<int8_t> codes = expected;
      for (int8_t& q : codes) q = static_cast<int8_t>(q ^ (out ? -128 : 0));
      c.args.x = x.data();
      c.args.x_u8 = in;
      c.args.epilogue.out_u8 = out;
      c.args.out = to.data();
      c.args.out_float = nullptr;
      c.run(kernel);
      EXPECT_SAME(to.data(), codes.data(), codes.size(), where + (in ? ", uint8 in" : "") + (out ? ", uint8 out" : ""));
      EXPECT(to.untouched_before());
    }
  }
  c.args.x = c.x.data();
  c.args.x_u8 = c.args.epilogue.out_u8 = false;
}

void check(Case& c) {
  const size_t channels = c.shape.channels;
  std::vector<int8_t> expected;
  std::vector<float> expected_float;
  for (size_t p = 0; p < c.pixels; ++p) {
    for (size_t k = 0; k < channels; ++k) {
      expected.push_back(c.expected(p, k));
      expected_float.push_back(static_cast<float>(c.accumulator(p, k)) * c.scale[k]);
    }
  }
  for (const auto& [isa, kernel] : testing::runnable_kernels<DepthwiseKernel>("depthwise")) {
    const std::string where = std::string(isa) + ", " + c.text();
    Buffer<int8_t> out(expected.size());
    c.args.out = out.data();
    c.args.out_float = nullptr;
    c.run(*kernel);
    EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
    EXPECT(out.untouched_before());

    Buffer<float> out_float(expected.size());
    c.args.out = nullptr;
    c.args.out_float = out_float.data();
    c.run(*kernel);
    EXPECT_SAME(out_float.data(), expected_float.data(), expected.size(), where + ", float");
    EXPECT(out_float.untouched_before());
    check_u8(c, *kernel, expected, where);
  }
}

TEST(who_is_for_uint8) {
  for (const auto& [isa, kernel] : testing::runnable_kernels<DepthwiseKernel>("depthwise")) {
    const bool takes = std::string(isa) == "avx512vnni";
    testing::expect_equal(__FILE__, __LINE__, isa, kernel->reads_u8, takes, "reads_u8");
    testing::expect_equal(__FILE__, __LINE__, isa, kernel->writes_u8, takes, "writes_u8");
  }
}

void check(Random& random, const DepthwiseShape& shape, size_t rows, bool with_residual = false) {
  Case c(random, shape, 0, rows, with_residual);
  check(c);
}

TEST(channels_and_kernels) {
  Random random(1);
  for (size_t channels = 1; channels <= 67; ++channels) {
    for (size_t kernel : {1, 2, 3, 5}) {
      const size_t stride = pick(random, 1, 2);
      check(random, shape_of(random, channels, kernel, stride), pick(random, 1, 6), random.integer(0, 3) == 0);
    }
  }
}

TEST(many_channels) {
  Random random(2);
  for (size_t channels : {96, 127, 128, 129, 144, 200, 960}) {
    for (bool residual : {false, true}) check(random, shape_of(random, channels, 3), 2, residual);
  }
}

TEST(strides_and_dilations) {
  Random random(3);
  for (size_t kernel : {1, 3, 4, 5, 7}) {
    for (size_t stride = 1; stride <= 3; ++stride) {
      for (size_t dilation = 1; dilation <= 3; ++dilation) {
        for (size_t channels : {5, 21, 38, 66}) {
          check(random, shape_of(random, channels, kernel, stride, dilation), pick(random, 1, 5));
        }
      }
    }
  }
}

TEST(nothing_need_be_square) {
  Random random(4);
  for (int i = 0; i < 300; ++i) {
    DepthwiseShape s = shape_of(random, pick(random, 1, 80), 1);
    s.kernel_h = pick(random, 1, 6);
    s.kernel_w = pick(random, 1, 6);
    s.stride_h = pick(random, 1, 4);
    s.stride_w = pick(random, 1, 4);
    s.dilation_h = pick(random, 1, 3);
    s.dilation_w = pick(random, 1, 3);
    check(random, s, pick(random, 1, 6), random.integer(0, 3) == 0);
  }
}

TEST(padding_beyond_the_image) {
  Random random(5);
  for (size_t kernel : {3, 5}) {
    for (size_t stride : {1, 2}) {
      for (size_t channels : {16, 40, 64}) {
        DepthwiseShape s = shape_of(random, channels, kernel, stride);
        s.pad_top = 11;
        s.pad_left = 13;
        s.out_w = 20;
        check(random, s, 14);
        s.in_w = 40;  // and an image wider than what is read
        s.pad_left = 1;
        check(random, s, 3);
      }
    }
  }
}

TEST(large_kernels) {
  Random random(6);
  for (size_t kernel : {8, 9, 15}) {
    for (size_t channels : {1, 15, 16, 40, 64, 70}) check(random, shape_of(random, channels, kernel), 2);
  }
}

// Each part of the rows is what it is in the whole.
TEST(row_ranges) {
  Random random(7);
  for (size_t kernel : {3, 5, 7}) {
    for (size_t channels : {9, 16, 32, 64, 100}) {
      const DepthwiseShape s = shape_of(random, channels, kernel, pick(random, 1, 2));
      for (size_t begin = 0; begin <= 6; ++begin) {
        for (size_t end = begin; end <= 6; ++end) {
          Case c(random, s, begin, end, false);
          check(c);
        }
      }
    }
  }
}

TEST(several_output_channels_of_an_input_channel) {
  Random random(8);
  for (size_t multiplier : {2, 3, 8}) {
    for (size_t in_channels : {1, 5, 8, 11, 40}) {
      for (size_t kernel : {2, 3, 5}) {
        DepthwiseShape s = shape_of(random, multiplier * in_channels, kernel);
        s.multiplier = multiplier;
        check(random, s, 3, random.integer(0, 1) == 1);
      }
    }
  }
}

// A row of output with room after each pixel: what lies there stays.
TEST(out_stride) {
  Random random(9);
  for (size_t channels : {5, 16, 32, 37, 64, 80}) {
    for (bool residual : {false, true}) {
      Case c(random, shape_of(random, channels, 3), 1, 5, residual);
      const size_t stride = channels + 7;
      c.args.out_stride = stride;
      for (const auto& [isa, kernel] : testing::runnable_kernels<DepthwiseKernel>("depthwise")) {
        Buffer<int8_t> out(c.pixels * stride);
        std::memset(out.data(), 77, out.size());
        c.args.out = out.data();
        c.run(*kernel);
        for (size_t p = 0; p < c.pixels; ++p) {
          for (size_t k = 0; k < stride; ++k) {
            const int8_t expected = k < channels ? c.expected(p, k) : int8_t{77};
            testing::expect_equal(__FILE__, __LINE__, isa, out[p * stride + k], expected, c.text());
          }
        }
      }
    }
  }
}

// The int32 accumulator is exact up to its end, and so is its conversion to float.
TEST(accumulators_at_the_ends_of_int32) {
  Random random(10);
  for (size_t kernel : {3, 4, 5}) {
    const auto most = static_cast<int32_t>(kernel * kernel * 128 * 127);
    for (int32_t start : {std::numeric_limits<int32_t>::max() - most, std::numeric_limits<int32_t>::min() + most}) {
      Case c(random, shape_of(random, 35, kernel), 0, 2, false);
      for (size_t k = 0; k < 35; ++k) {
        c.bias[k] = start;
        c.scale[k] = 0x1p-24f;
      }
      c.args.epilogue.output = {0, -128, 127};
      check(c);
    }
  }
}

}  // namespace
