// conv2d_f32 and linear_f32, from plain weights through the packer, on every ISA and several threads, against loops.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/conv2d.h"
#include "ops/conv2d_f32.h"
#include "ops/linear.h"
#include "ops/linear_f32.h"
#include "pack/pack.h"
#include "testing.h"

namespace {

using namespace mobilekernels;
using testing::Buffer;
using testing::Random;
using testing::Threads;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Problem {
  Shape4 shape{1, 5, 5, 4};
  int64_t out_channels = 4;
  int64_t groups = 1;
  Window window{1, 1, 1, 1, 0, 0, 0, 0, 1, 1};
  int64_t block_channels = 4;
};

Problem random_problem(Random& random) {
  Problem p;
  p.window = {random.integer(1, 4), random.integer(1, 4), random.integer(1, 3), random.integer(1, 3),
              random.integer(0, 3), random.integer(0, 3), random.integer(0, 3), random.integer(0, 3),
              random.integer(1, 2), random.integer(1, 2)};
  p.groups = random.integer(1, 3);
  p.shape = {random.integer(1, 2), random.integer(7, 12), random.integer(7, 12), p.groups * random.integer(2, 9)};
  p.out_channels = p.groups * random.integer(1, 20);
  p.block_channels = random.pick<int64_t>({1, 4});
  return p;
}

// A problem with its data and what must come out.
struct Case {
  Problem p;
  Shape4 out_shape{};
  Buffer<float> x;
  std::vector<float> weights, bias, expected;
  std::vector<int8_t> packed;
  float lo, hi;

  Case(Random& random, const Problem& problem)
      : p(problem),
        x(static_cast<size_t>(p.shape.n * p.shape.h * p.shape.w * p.shape.c)),
        lo(random.pick({-kInfinity, 0.0f})),
        hi(random.pick({kInfinity, 1.0f})) {
    EXPECT_OK(conv2d_output_shape(p.shape, p.out_channels, p.window, &out_shape));
    for (float& value : x) value = random.real(-1, 1);
    const int64_t per_channel = p.shape.c / p.groups * p.window.kernel_h * p.window.kernel_w;
    for (int64_t i = 0; i < p.out_channels * per_channel; ++i) {
      weights.push_back(random.integer(0, 3) > 0 ? 0.0f : random.real(-1, 1));
    }
    for (int64_t c = 0; c < p.out_channels; ++c) bias.push_back(random.real(-1, 1));
    EXPECT_OK(pack_weights_f32({weights.data(), bias.data(), p.out_channels, p.shape.c, p.window.kernel_h,
                                p.window.kernel_w, p.groups, p.block_channels},
                               &packed));
    for (int64_t n = 0; n < out_shape.n; ++n) {
      for (int64_t oc = 0; oc < p.out_channels; ++oc) {
        for (int64_t pixel = 0; pixel < out_shape.h * out_shape.w; ++pixel) {
          expected.push_back(value(n, oc, pixel / out_shape.w, pixel % out_shape.w));
        }
      }
    }
  }

  // Weights of zero are added here and left out or not by the kernels: no finite sum but -0 changes by it, and no sum
  // here is that.
  float value(int64_t n, int64_t oc, int64_t oh, int64_t ow) {
    const Window& w = p.window;
    const int64_t per_group = p.shape.c / p.groups;
    const int64_t first = oc / (p.out_channels / p.groups) * per_group;
    float sum = bias[static_cast<size_t>(oc)];
    for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
      for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
        const int64_t y = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
        const int64_t col = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
        if (y < 0 || y >= p.shape.h || col < 0 || col >= p.shape.w) continue;
        for (int64_t c = 0; c < per_group; ++c) {
          const int64_t at = ((n * p.shape.c + first + c) * p.shape.h + y) * p.shape.w + col;
          const int64_t tap = ((oc * per_group + c) * w.kernel_h + kh) * w.kernel_w + kw;
          sum = std::fma(x[static_cast<size_t>(at)], weights[static_cast<size_t>(tap)], sum);
        }
      }
    }
    return sum < lo ? lo : sum > hi ? hi : sum;
  }

  Conv2dF32Args args() {
    return {x.data(), p.shape, packed.data(), packed.size(), p.out_channels, p.groups, p.window, lo, hi, nullptr};
  }
};

void check(Random& random, const Problem& problem) {
  Case c(random, problem);
  testing::for_each_isa([&](const std::string& isa) {
    for (const int threads : {1, 2, 3}) {
      Conv2dF32Args args = c.args();
      const Threads pool(threads, conv2d_f32_workspace(args, threads));
      Buffer<float> out(c.expected.size());
      out.clear();
      args.out = out.data();
      EXPECT_OK(conv2d_f32(args, pool.context()));
      EXPECT_SAME(out.data(), c.expected.data(), out.size(), isa + ", " + std::to_string(threads) + " threads");
      EXPECT(out.untouched_before() && pool.workspace_kept());
    }
  });
}

TEST(random_convolutions) {
  Random random(1);
  for (int i = 0; i < 50; ++i) check(random, random_problem(random));
}

TEST(plain_pixels_and_many_panels) {
  Random random(2);
  for (const int64_t block : {4, 1}) {
    for (const int64_t size : {7, 14, 20}) {
      Problem p;
      p.shape = {1, size, size, 20};
      p.out_channels = 37;
      p.block_channels = block;
      check(random, p);
      p.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
      check(random, p);
    }
  }
}

TEST(padding_wider_than_the_image) {
  Random random(3);
  Problem p;
  p.shape = {1, 1, 1, 5};
  p.window = {3, 3, 2, 2, 3, 4, 5, 6, 2, 1};
  check(random, p);
  p.shape = {2, 2, 3, 5};
  p.window = {1, 5, 1, 1, 2, 2, 9, 9, 1, 1};
  check(random, p);
}

TEST(linear_of_few_rows_and_many) {
  Random random(4);
  for (const int64_t rows : {1, 2, 3, 24, 25, 130}) {
    for (const int64_t features : {1, 37, 64}) {
      Problem p;
      p.shape = {rows, 1, 1, features};
      p.out_channels = 85;
      p.block_channels = random.pick<int64_t>({1, 4});
      Case c(random, p);
      testing::for_each_isa([&](const std::string& isa) {
        for (const int threads : {1, 2, 3}) {
          Buffer<float> out(c.expected.size());
          out.clear();
          const LinearF32Args args{c.x.data(), rows, features, c.packed.data(), c.packed.size(),
                                   85,         c.lo, c.hi,     out.data()};
          const Threads pool(threads, linear_f32_workspace(args, threads));
          EXPECT_OK(linear_f32(args, pool.context()));
          EXPECT_SAME(out.data(), c.expected.data(), out.size(), isa + ", rows " + std::to_string(rows));
          EXPECT(out.untouched_before() && pool.workspace_kept());
        }
      });
    }
  }
}

TEST(bad_arguments_are_named) {
  Random random(5);
  Problem p;
  Case c(random, p);
  Buffer<float> out(c.expected.size());
  Conv2dF32Args good = c.args();
  good.out = out.data();
  const Threads pool(1, conv2d_f32_workspace(good, 1));
  const auto with = [&](auto change) {
    Conv2dF32Args args = good;
    change(args);
    return conv2d_f32(args, pool.context());
  };
  EXPECT_OK(conv2d_f32(good, pool.context()));
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.out_channels = 5; }), "conv2d_f32: out_channels: given 5");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.shape.c = 8; }), "conv2d_f32: x: given 8 channels");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.groups = 2; }), "conv2d_f32: groups: given 2");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.groups = 0; }), "conv2d_f32: groups: given 0");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.window.kernel_w = 2; }), "conv2d_f32: kernel_size: given");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.lo = 2, a.hi = 1; }), "conv2d_f32: out_min: given 2");
  EXPECT_ERROR(with([](Conv2dF32Args& a) { a.hi = std::nanf(""); }), "conv2d_f32: out_min: given");
  EXPECT_ERROR(conv2d_f32(good, Context{}), "conv2d_f32: workspace: given 0");

  const LinearF32Args good_linear{c.x.data(), 25, 4, c.packed.data(), c.packed.size(), 4, 0, 1, out.data()};
  const Threads linear_pool(1, linear_f32_workspace(good_linear, 1));
  const auto linear_with = [&](auto change) {
    LinearF32Args args = good_linear;
    change(args);
    return linear_f32(args, linear_pool.context());
  };
  EXPECT_OK(linear_f32(good_linear, linear_pool.context()));
  EXPECT_ERROR(linear_with([](LinearF32Args& a) { a.rows = -1; }), "linear_f32: rows: given -1");
  EXPECT_ERROR(linear_with([](LinearF32Args& a) { a.in_features = 5; }), "linear_f32: x: given 5 features");
  EXPECT_ERROR(linear_with([](LinearF32Args& a) { a.out_features = 5; }), "linear_f32: out_features: given 5");
  EXPECT_ERROR(linear_with([](LinearF32Args& a) { a.lo = 2; }), "linear_f32: out_min: given 2");
  EXPECT_ERROR(linear_f32(good_linear, Context{}), "linear_f32: workspace: given 0");
}

// Weights of one kind are not read as the other.
TEST(int8_and_float_weights_are_told_apart) {
  Random random(6);
  Problem p;
  Case c(random, p);
  const std::vector<int8_t> codes(16, 3);
  const std::vector<float> scale(4, 1.0f);
  std::vector<int8_t> int8_weight;
  EXPECT_OK(pack_weights({codes.data(), nullptr, scale.data(), 4, 4, 1, 1, 1, 0, 4}, &int8_weight));
  Conv2dF32Args args = c.args();
  const Threads pool(1, size_t{1} << 20);
  args.packed = int8_weight.data();
  args.packed_bytes = int8_weight.size();
  EXPECT_ERROR(conv2d_f32(args, pool.context()), "conv2d_f32: packed: given int8 weights");
  LinearF32Args linear_args{c.x.data(), 25, 4, int8_weight.data(), int8_weight.size(), 4, 0, 1, nullptr};
  EXPECT_ERROR(linear_f32(linear_args, pool.context()), "linear_f32: packed: given int8 weights");
  Conv2dArgs int8_args{};
  int8_args.shape = p.shape;
  int8_args.window = p.window;
  int8_args.out_channels = 4;
  int8_args.groups = 1;
  int8_args.output = {0, -128, 127};
  int8_args.packed = c.packed.data();
  int8_args.packed_bytes = c.packed.size();
  EXPECT_ERROR(conv2d(int8_args, pool.context()), "conv2d: packed: given float32 weights");
}

}  // namespace
