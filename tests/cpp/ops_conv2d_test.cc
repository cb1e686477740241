// conv2d and linear, from plain weights through the packer, on every ISA and several threads, against loops.
#include "ops/conv2d.h"

#include <algorithm>

#include "ops/linear.h"
#include "pack/pack.h"
#include "reference.h"
#include "testing.h"

namespace {

using namespace mobilekernels;
using testing::Buffer;
using testing::Random;
using testing::Threads;

struct Problem {
  Shape4 shape{1, 5, 5, 4};
  int64_t out_channels = 4;
  int64_t groups = 1;
  Window window{1, 1, 1, 1, 0, 0, 0, 0, 1, 1};
  int64_t block_channels = 0;  // of block-sparse weights
};

Problem random_problem(Random& random) {
  Problem p;
  p.window = {random.integer(1, 4), random.integer(1, 4), random.integer(1, 3), random.integer(1, 3),
              random.integer(0, 3), random.integer(0, 3), random.integer(0, 3), random.integer(0, 3),
              random.integer(1, 2), random.integer(1, 2)};
  const int64_t kind = random.integer(0, 3);
  p.groups = kind == 0 ? 1 : random.integer(1, 5);
  const int64_t in = kind == 2 ? 1 : random.integer(1, 21);  // kind 2: depthwise
  p.shape = {random.integer(1, 2), random.integer(7, 12), random.integer(7, 12), p.groups * in};
  p.out_channels = p.groups * random.integer(1, kind == 2 ? 3 : 40);
  if (kind == 3) {  // a plain 1x1 convolution, the rows of which need no gathering
    p.window = {1, 1, 1, 1, 0, 0, 0, 0, 1, 1};
    p.groups = 1;
    p.shape.c = 4 * random.integer(1, 9);
  }
  const bool depthwise = p.groups > 1 && p.groups == p.shape.c;
  if (!depthwise) p.block_channels = random.pick<int64_t>({0, 1, 4});
  return p;
}

// A problem with its data and what must come out.
struct Case {
  Problem p;
  Shape4 out_shape{};
  Buffer<int8_t> x;
  std::vector<int8_t> weights, packed, expected;
  std::vector<int32_t> bias;
  std::vector<float> scale, floats;
  int32_t zero_point;
  OutputRange range;

  Case(Random& random, const Problem& problem)
      : p(problem),
        x(static_cast<size_t>(p.shape.n * p.shape.h * p.shape.w * p.shape.c)),
        zero_point(reference::random_zero_point(random)),
        range(reference::random_range(random)) {
    EXPECT_OK(conv2d_output_shape(p.shape, p.out_channels, p.window, &out_shape));
    fill(random, x);
    const int64_t per_channel = p.shape.c / p.groups * p.window.kernel_h * p.window.kernel_w;
    weights.resize(static_cast<size_t>(p.out_channels * per_channel));
    for (int8_t& w : weights) w = static_cast<int8_t>(random.integer(-127, 127));
    if (p.block_channels > 0) {  // runs of zeros, so that most blocks are left out
      for (int8_t& w : weights) {
        if (random.integer(0, 3) > 0) w = 0;
      }
    }
    for (int64_t c = 0; c < p.out_channels; ++c) {
      bias.push_back(static_cast<int32_t>(random.integer(-20000, 20000)));
      scale.push_back(random.pick({1e-12f, 1.0f / 4096, 0.5f, 1e6f, random.real(1e-5f, 0.01f)}));
      if (random.integer(0, 5) == 0) {  // a pruned channel
        std::fill_n(weights.begin() + c * per_channel, per_channel, int8_t{0});
      }
    }
    EXPECT_OK(pack_weights({weights.data(), bias.data(), scale.data(), p.out_channels, p.shape.c, p.window.kernel_h,
                            p.window.kernel_w, p.groups, zero_point, p.block_channels},
                           &packed));
    const int64_t n = out_shape.n * out_shape.h * out_shape.w * out_shape.c;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t pixel = i / p.out_channels;
      floats.push_back(scaled(pixel / out_shape.w / out_shape.h, pixel / out_shape.w % out_shape.h, pixel % out_shape.w,
                              i % p.out_channels));
      expected.push_back(reference::to_int8(floats.back(), range));
    }
  }

  float scaled(int64_t n, int64_t oh, int64_t ow, int64_t oc) {
    const Window& w = p.window;
    const int64_t per_group = p.shape.c / p.groups;
    const int64_t first = oc / (p.out_channels / p.groups) * per_group;
    int64_t acc = bias[static_cast<size_t>(oc)];
    for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
      for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
        const int64_t y = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
        const int64_t col = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
        if (y < 0 || y >= p.shape.h || col < 0 || col >= p.shape.w) continue;  // a padding pixel is zero
        for (int64_t c = 0; c < per_group; ++c) {
          const int64_t at = ((n * p.shape.h + y) * p.shape.w + col) * p.shape.c + first + c;
          const int64_t tap = ((oc * per_group + c) * w.kernel_h + kh) * w.kernel_w + kw;
          acc += (int64_t{x[static_cast<size_t>(at)]} - zero_point) * weights[static_cast<size_t>(tap)];
        }
      }
    }
    return static_cast<float>(static_cast<int32_t>(acc)) * scale[static_cast<size_t>(oc)];
  }

  Conv2dArgs args() {
    Conv2dArgs a{};
    a.x = x.data();
    a.shape = p.shape;
    a.packed = packed.data();
    a.packed_bytes = packed.size();
    a.out_channels = p.out_channels;
    a.groups = p.groups;
    a.window = p.window;
    a.x_zero_point = zero_point;
    a.output = range;
    return a;
  }
};

void check(Random& random, const Problem& problem) {
  Case c(random, problem);
  // The residual form is stated from the plain form's bytes.
  Buffer<int8_t> residual_data(c.expected.size());
  fill(random, residual_data);
  const Conv2dResidual residual{residual_data.data(),
                                {0.03, reference::random_zero_point(random)},
                                {0.05, c.range.zero_point},
                                {0.07, 0},
                                c.range};
  const OutputRange sum = reference::random_range(random);
  std::vector<int8_t> sums;
  for (size_t i = 0; i < c.expected.size(); ++i) {
    const float a = static_cast<float>(c.expected[i] - c.range.zero_point) * reference::ratio(0.05, 0.07);
    const float b = static_cast<float>(residual_data[i] - residual.params.zero_point) * reference::ratio(0.03, 0.07);
    sums.push_back(reference::to_int8(a + b, sum));
  }
  testing::for_each_isa([&](const std::string& isa) {
    for (const int threads : {1, 2, 3}) {
      Conv2dArgs args = c.args();
      const Threads pool(threads, conv2d_workspace(args, threads));
      const std::string where = isa + ", " + std::to_string(threads) + " threads";
      Buffer<int8_t> out(c.expected.size());
      args.out = out.data();
      EXPECT_OK(conv2d(args, pool.context()));
      EXPECT_SAME(out.data(), c.expected.data(), c.expected.size(), where);
      args.residual = &residual;
      args.output = sum;
      EXPECT_OK(conv2d(args, pool.context()));
      EXPECT_SAME(out.data(), sums.data(), sums.size(), "residual, " + where);
      args = c.args();
      Buffer<float> floats(c.floats.size());
      args.out_float = floats.data();
      EXPECT_OK(conv2d(args, pool.context()));
      EXPECT_SAME(floats.data(), c.floats.data(), c.floats.size(), "float, " + where);
      EXPECT(out.untouched_before() && floats.untouched_before() && pool.workspace_kept());
    }
  });
}

// The same bytes with the sign bit flipped, read, written, or both; on every kernel, for the choice may change under
// way.
void check_u8(Random& random, const Problem& problem) {
  Case c(random, problem);
  Buffer<int8_t> x(c.x.size()), residual_data(c.expected.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int8_t>(c.x[i] ^ 0x80);
  fill(random, residual_data);
  const Conv2dResidual residual{residual_data.data(), {0.03, 5}, {0.05, c.range.zero_point}, {0.07, 0}, c.range};
  testing::for_each_isa([&](const std::string& isa) {
    for (const int threads : {1, 3}) {
      Conv2dArgs args = c.args();
      const Threads pool(threads, conv2d_workspace(args, threads));
      for (const bool with_residual : {false, true}) {
        args.residual = with_residual ? &residual : nullptr;
        if (with_residual) args.output.zero_point = 0;
        std::vector<int8_t> expected(c.expected.size());
        args.out = expected.data();
        args.x = c.x.data();
        args.x_u8 = args.out_u8 = false;
        EXPECT_OK(conv2d(args, pool.context()));
        for (int form = 1; form < 4; ++form) {
          args.x_u8 = (form & 1) != 0;
          args.out_u8 = (form & 2) != 0;
          args.x = args.x_u8 ? x.data() : c.x.data();
          Buffer<int8_t> out(expected.size());
          args.out = out.data();
          EXPECT_OK(conv2d(args, pool.context()));
          for (size_t i = 0; args.out_u8 && i < out.size(); ++i) out[i] = static_cast<int8_t>(out[i] ^ 0x80);
          EXPECT_SAME(out.data(), expected.data(), out.size(), isa + ", form " + std::to_string(form));
          EXPECT(out.untouched_before() && pool.workspace_kept());
        }
      }
    }
  });
}

TEST(uint8_codes) {
  Random random(16);
  for (int i = 0; i < 60; ++i) {
    check_u8(random, random_problem(random));
  }
  Problem depthwise;
  depthwise.shape = {2, 9, 11, 70};
  depthwise.out_channels = depthwise.groups = 70;
  depthwise.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  check_u8(random, depthwise);
  Problem first;  // a first layer
  first.shape = {1, 20, 31, 3};
  first.out_channels = 20;
  first.window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  check_u8(random, first);
}

TEST(random_convolutions) {
  Random random(11);
  for (int i = 0; i < 60; ++i) check(random, random_problem(random));
}

// More rows than a block holds, so that blocks, row tiles and tasks all end inside the image.
TEST(several_blocks) {
  Random random(12);
  Problem p;
  p.shape = {1, 19, 23, 40};
  p.out_channels = 9;
  p.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  check(random, p);
}

// ops/lines.h: output lines that cut into half tiles or not, kernel rows that are whole quads or not, more lines than a
// block holds, few lines of many channels.
TEST(lines_of_the_image) {
  Random random(17);
  const auto both = [&](const Shape4& shape, int64_t out_channels, const Window& window) {
    Problem p;
    p.shape = shape;
    p.out_channels = out_channels;
    p.window = window;
    check(random, p);
    check_u8(random, p);
  };
  both({2, 15, 14, 8}, 33, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  both({1, 9, 7, 20}, 70, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  both({1, 30, 45, 3}, 20, {3, 3, 2, 2, 1, 1, 1, 1, 1, 1});
  both({1, 40, 28, 3}, 40, {7, 7, 2, 2, 3, 3, 3, 3, 1, 1});
  both({3, 20, 21, 5}, 17, {3, 2, 1, 1, 4, 0, 0, 1, 2, 1});
  both({1, 6, 14, 4}, 8, {1, 3, 1, 1, 0, 0, 2, 0, 1, 1});
  both({1, 90, 56, 64}, 3, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
}

TEST(padding_wider_than_the_image) {
  Random random(13);
  Problem p;
  p.shape = {1, 1, 1, 5};
  p.window = {3, 3, 2, 2, 3, 4, 5, 6, 2, 1};
  check(random, p);
  p.groups = 5;
  p.out_channels = 10;
  check(random, p);
}

TEST(linear_is_a_convolution_of_one_pixel) {
  Random random(14);
  for (const int64_t rows : {1, 3, 40}) {
    Problem p;
    p.shape = {rows, 1, 1, 37};
    p.out_channels = 21;
    Case c(random, p);
    testing::for_each_isa([&](const std::string& isa) {
      for (const int threads : {1, 2}) {
        Buffer<int8_t> out(c.expected.size());
        const LinearArgs args{c.x.data(), rows,         37,      c.packed.data(), c.packed.size(),
                              21,         c.zero_point, c.range, out.data(),      nullptr};
        const Threads pool(threads, linear_workspace(args, threads));
        EXPECT_OK(linear(args, pool.context()));
        EXPECT_SAME(out.data(), c.expected.data(), c.expected.size(), isa);
      }
    });
  }
}

TEST(bad_arguments_are_named) {
  Random random(15);
  Problem p;
  Case c(random, p);
  Buffer<int8_t> out(c.expected.size());
  Conv2dArgs good = c.args();
  good.out = out.data();
  const Threads pool(1, conv2d_workspace(good, 1));
  const auto with = [&](auto change) {
    Conv2dArgs args = good;
    change(args);
    return conv2d(args, pool.context());
  };
  EXPECT_OK(conv2d(good, pool.context()));
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.out_channels = 5; }), "conv2d: out_channels: given 5");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.shape.c = 8; }), "conv2d: x: given 8 channels");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.groups = 2; }), "conv2d: groups: given 2");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.groups = 0; }), "conv2d: groups: given 0");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.window.kernel_w = 2; }), "conv2d: kernel_size: given");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.window.stride_h = 0; }), "conv2d: stride");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.window.pad_left = -1; }), "conv2d: padding");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.window.dilation_w = 0; }), "conv2d: dilation");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.output.lo = 128; }), "conv2d: out_min");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.output.zero_point = 128; }), "conv2d: out_zero_point: given 128");
  EXPECT_ERROR(with([](Conv2dArgs& a) { a.x_zero_point += a.x_zero_point < 0 ? 1 : -1; }),
               "conv2d: x_zero_point: given");
  EXPECT_ERROR(conv2d(good, Context{}), "conv2d: workspace: given 0");
}

}  // namespace
