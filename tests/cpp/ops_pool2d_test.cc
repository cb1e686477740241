// Pooling: windows, padding, ceil_mode, divisors as torch has them, threads, every ISA, what it refuses.
#include "ops/pool2d.h"

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::AdaptiveAveragePool2dArgs;
using mobilekernels::AveragePool2dArgs;
using mobilekernels::Context;
using mobilekernels::OutputRange;
using mobilekernels::Pool2dArgs;
using mobilekernels::Shape4;
using mobilekernels::Window;
using testing::Buffer;
using testing::Random;
using testing::Threads;

size_t volume(const Shape4& s) { return static_cast<size_t>(s.n * s.h * s.w * s.c); }

// The length of one axis, window by window: how many may start before the end of the (left-padded) image and, without
// ceil_mode, end inside the padding.
int64_t length(int64_t size, int64_t kernel, int64_t stride, int64_t before, int64_t after, int64_t dilation,
               bool ceil_mode) {
  const int64_t extent = dilation * (kernel - 1) + 1, padded = size + before + after;
  int64_t count = 0;
  for (int64_t start = 0;; start += stride) {
    const bool fits = start + extent <= padded;
    const bool overhangs = ceil_mode && start + extent < padded + stride && start < size + before;
    if (!(ceil_mode ? overhangs : fits)) return count;
    ++count;
  }
}

struct Pool {
  Shape4 in, out;
  Window w;
  bool ceil_mode;
  Buffer<int8_t> x;

  Pool(Random& random, const Shape4& shape, const Window& window, bool ceil)
      : in(shape),
        out{shape.n,
            length(shape.h, window.kernel_h, window.stride_h, window.pad_top, window.pad_bottom, window.dilation_h,
                   ceil),
            length(shape.w, window.kernel_w, window.stride_w, window.pad_left, window.pad_right, window.dilation_w,
                   ceil),
            shape.c},
        w(window),
        ceil_mode(ceil),
        x(volume(shape)) {
    fill(random, x);
  }

  int64_t at(int64_t n, int64_t h, int64_t wide, int64_t c) {
    return x[static_cast<size_t>(((n * in.h + h) * in.w + wide) * in.c + c)];
  }

  // body(value, inside) over the window of output (oh, ow); `inside`: the image, else the padding.
  template <typename Body>
  void visit(int64_t n, int64_t oh, int64_t ow, int64_t c, const Body& body) {
    for (int64_t i = 0; i < w.kernel_h; ++i) {
      for (int64_t j = 0; j < w.kernel_w; ++j) {
        const int64_t h = oh * w.stride_h - w.pad_top + i * w.dilation_h;
        const int64_t wide = ow * w.stride_w - w.pad_left + j * w.dilation_w;
        if (h >= in.h + w.pad_bottom || wide >= in.w + w.pad_right) continue;  // ceil_mode overhangs
        const bool inside = h >= 0 && h < in.h && wide >= 0 && wide < in.w;
        body(inside ? at(n, h, wide, c) : 0, inside);
      }
    }
  }

  template <typename Value>
  std::vector<int8_t> each(const Value& value) {
    std::vector<int8_t> all;
    for (int64_t n = 0; n < out.n; ++n) {
      for (int64_t h = 0; h < out.h; ++h) {
        for (int64_t wide = 0; wide < out.w; ++wide) {
          for (int64_t c = 0; c < out.c; ++c) all.push_back(value(n, h, wide, c));
        }
      }
    }
    return all;
  }

  std::string text() const {
    const int64_t numbers[] = {in.n,       in.h,        in.w,         in.c,        w.kernel_h,
                               w.kernel_w, w.stride_h,  w.stride_w,   w.pad_top,   w.pad_bottom,
                               w.pad_left, w.pad_right, w.dilation_h, w.dilation_w};
    std::string s = ceil_mode ? "ceil" : "floor";
    for (int64_t number : numbers) s += " " + std::to_string(number);
    return s;
  }

  // run(out, context) on every ISA with one, two and five threads.
  template <typename Run>
  void check(const std::vector<int8_t>& expected, size_t (*workspace)(const Pool&, int), const Run& run) {
    testing::for_each_isa([&](const std::string& isa) {
      for (int threads : {1, 2, 5}) {
        const Threads pool(threads, workspace(*this, threads));
        Buffer<int8_t> result(expected.size());
        EXPECT_OK(run(result.data(), pool.context()));
        EXPECT_SAME(result.data(), expected.data(), expected.size(),
                    text() + ", " + isa + ", " + std::to_string(threads) + " threads");
        EXPECT(result.untouched_before());
        EXPECT(pool.workspace_kept());
      }
    });
  }

  static size_t window_workspace(const Pool& pool, int threads) { return pool2d_workspace(pool.in, pool.w, threads); }

  void check_max() {
    const std::vector<int8_t> expected = each([&](int64_t n, int64_t h, int64_t wide, int64_t c) {
      int64_t most = -128;
      visit(n, h, wide, c, [&](int64_t value, bool inside) { most = inside && value > most ? value : most; });
      return static_cast<int8_t>(most);
    });
    check(expected, window_workspace,
          [&](int8_t* to, const Context& context) { return max_pool2d({x.data(), in, w, ceil_mode, to}, context); });
  }

  void check_average(Random& random, bool include_pad, int64_t divisor_override) {
    AveragePool2dArgs args{};
    args.count_include_pad = include_pad;
    args.divisor_override = divisor_override;
    args.x_scale = random.real(0.01f, 1);
    args.x_zero_point = reference::random_zero_point(random);
    args.out_scale = random.pick({args.x_scale, static_cast<double>(random.real(0.01f, 1))});
    args.output = reference::random_range(random);
    const std::vector<int8_t> expected = each([&](int64_t n, int64_t h, int64_t wide, int64_t c) {
      int64_t sum = 0, counted = 0;
      visit(n, h, wide, c, [&](int64_t value, bool inside) {
        if (inside) sum += value - args.x_zero_point;
        if (inside || include_pad) ++counted;
      });
      const int64_t divisor = divisor_override != 0 ? divisor_override : counted == 0 ? 1 : counted;
      const float scale = reference::ratio(args.x_scale, args.out_scale * static_cast<double>(divisor));
      return reference::to_int8(static_cast<float>(sum) * scale, args.output);
    });
    check(expected, window_workspace, [&](int8_t* to, const Context& context) {
      args.pool = {x.data(), in, w, ceil_mode, to};
      return average_pool2d(args, context);
    });
  }
};

constexpr Window square(int64_t kernel, int64_t stride, int64_t pad, int64_t dilation = 1) {
  return {kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation};
}

const Window kWindows[] = {
    square(1, 1, 0),
    square(2, 2, 0),
    square(3, 2, 1),
    square(3, 1, 1),
    square(3, 2, 0),
    square(3, 3, 2),
    square(5, 1, 2),
    square(2, 3, 1),
    {2, 3, 1, 2, 0, 1, 2, 1, 1, 1},
    {3, 1, 2, 1, 2, 0, 0, 0, 1, 1},
    {1, 7, 1, 1, 0, 0, 3, 6, 1, 1},
    square(7, 7, 0),
};

TEST(max_windows) {
  Random random(1);
  for (const Window& window : kWindows) {
    for (bool ceil : {false, true}) {
      Pool(random, {2, 9, 8, 17}, window, ceil).check_max();
      Pool(random, {1, 7, 7, 3}, window, ceil).check_max();
    }
  }
  Pool(random, {1, 28, 28, 70}, square(3, 2, 1), true).check_max();
  Pool(random, {0, 9, 8, 5}, square(3, 2, 1), false).check_max();
}

TEST(max_with_dilation) {
  Random random(2);
  for (bool ceil : {false, true}) {
    Pool(random, {2, 9, 8, 17}, square(3, 1, 2, 2), ceil).check_max();
    Pool(random, {1, 11, 13, 5}, {3, 2, 2, 1, 3, 1, 0, 2, 3, 4}, ceil).check_max();
    // The window steps over an image of one pixel: nothing inside, so -128.
    Pool(random, {1, 1, 1, 5}, square(2, 1, 1, 2), ceil).check_max();
  }
}

TEST(average_windows) {
  Random random(3);
  for (const Window& window : kWindows) {
    for (bool ceil : {false, true}) {
      for (bool include_pad : {false, true}) {
        Pool(random, {2, 9, 8, 17}, window, ceil).check_average(random, include_pad, 0);
        Pool(random, {1, 7, 7, 66}, window, ceil).check_average(random, include_pad, 5);
      }
    }
  }
  Pool(random, {1, 28, 28, 24}, square(3, 2, 1), true).check_average(random, true, 0);
  Pool(random, {0, 9, 8, 5}, square(3, 2, 1), false).check_average(random, true, 0);
}

TEST(random_windows) {
  Random random(4);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const auto any = [&](int64_t most) { return random.integer(1, most); };
    Window w{any(4), any(4), any(4), any(4), 0, 0, 0, 0, any(3), any(3)};
    w.pad_top = random.integer(0, w.dilation_h * (w.kernel_h - 1));
    w.pad_bottom = random.integer(0, w.dilation_h * (w.kernel_h - 1));
    w.pad_left = random.integer(0, w.dilation_w * (w.kernel_w - 1));
    w.pad_right = random.integer(0, w.dilation_w * (w.kernel_w - 1));
    const Shape4 shape{any(2), random.integer(10, 14), random.integer(10, 14), any(40)};
    const bool ceil = random.integer(0, 1) == 1;
    Pool(random, shape, w, ceil).check_max();
    w.dilation_h = w.dilation_w = 1;
    w.pad_top = w.pad_bottom = random.integer(0, w.kernel_h - 1);
    w.pad_left = w.pad_right = random.integer(0, w.kernel_w - 1);
    Pool(random, shape, w, ceil).check_average(random, random.integer(0, 1) == 1, 0);
  }
}

TEST(adaptive) {
  Random random(5);
  const Shape4 shapes[] = {{1, 7, 7, 1280}, {2, 7, 5, 19}, {3, 1, 1, 8}, {1, 32, 40, 3}, {0, 4, 4, 2}};
  for (const Shape4& in : shapes) {
    for (auto [h, w] : {std::pair<int64_t, int64_t>{1, 1}, {2, 3}, {7, 7}, {9, 4}}) {
      AdaptiveAveragePool2dArgs args{};
      Buffer<int8_t> x(volume(in));
      fill(random, x);
      args.x = x.data();
      args.shape = in;
      args.out_h = h;
      args.out_w = w;
      args.x_scale = random.real(0.01f, 1);
      args.x_zero_point = reference::random_zero_point(random);
      args.out_scale = random.pick({args.x_scale, static_cast<double>(random.real(0.01f, 1))});
      args.output = reference::random_range(random);
      std::vector<int8_t> expected;
      for (int64_t i = 0; i < in.n * h * w * in.c; ++i) {
        const int64_t c = i % in.c, ow = i / in.c % w, oh = i / in.c / w % h, n = i / in.c / w / h;
        int64_t sum = 0, count = 0;
        for (int64_t y = oh * in.h / h; y * h < (oh + 1) * in.h; ++y) {
          for (int64_t z = ow * in.w / w; z * w < (ow + 1) * in.w; ++z, ++count) {
            sum += x[static_cast<size_t>(((n * in.h + y) * in.w + z) * in.c + c)] - args.x_zero_point;
          }
        }
        const float scale = reference::ratio(args.x_scale, args.out_scale * static_cast<double>(count));
        expected.push_back(reference::to_int8(static_cast<float>(sum) * scale, args.output));
      }
      testing::for_each_isa([&](const std::string& isa) {
        for (int threads : {1, 2, 5}) {
          const Threads pool(threads, adaptive_average_pool2d_workspace(args, threads));
          Buffer<int8_t> out(expected.size());
          args.out = out.data();
          EXPECT_OK(adaptive_average_pool2d(args, pool.context()));
          EXPECT_SAME(out.data(), expected.data(), expected.size(), isa + ", output " + std::to_string(args.out_h));
          EXPECT(out.untouched_before());
          EXPECT(pool.workspace_kept());
        }
      });
    }
  }
}

TEST(output_shape) {
  Shape4 out{};
  EXPECT_OK(pool2d_output_shape({2, 112, 112, 64}, square(3, 2, 1), false, &out));
  EXPECT_EQ(out.n, 2);
  EXPECT_EQ(out.h, 56);
  EXPECT_EQ(out.w, 56);
  EXPECT_EQ(out.c, 64);
  EXPECT_OK(pool2d_output_shape({1, 55, 54, 64}, square(3, 2, 0), true, &out));
  EXPECT_EQ(out.h, 27);
  EXPECT_EQ(out.w, 27);
}

TEST(refused) {
  const Threads threads(1, 1 << 16);
  int8_t x[9 * 8 * 4] = {}, out[9 * 8 * 4];
  const auto expect_both = [&](const Shape4& shape, const Window& w, const char* message) {
    const Pool2dArgs pool{x, shape, w, false, out};
    EXPECT_ERROR(max_pool2d(pool, threads.context()), std::string("max_pool2d: ") + message);
    EXPECT_ERROR(average_pool2d({pool, true, 0, 1, 0, 1, {0, -128, 127}}, threads.context()),
                 std::string("avg_pool2d: ") + message);
  };
  const Shape4 good{1, 9, 8, 4};
  expect_both({1, 0, 8, 4}, square(3, 1, 1), "x: given shape [n=1, h=0, w=8, c=4],");
  expect_both({-1, 9, 8, 4}, square(3, 1, 1), "x: given shape [n=-1,");
  expect_both({int64_t{1} << 31, int64_t{1} << 31, 8, 4}, square(3, 1, 1), "x: given shape [n=2147483648,");
  expect_both(good, square(0, 1, 0), "kernel_size[0]: given 0,");
  expect_both(good, {3, -3, 1, 1, 0, 0, 0, 0, 1, 1}, "kernel_size[1]: given -3,");
  expect_both(good, square(3, 0, 1), "stride[0]: given 0,");
  expect_both(good, square(3, 1, -1), "padding[0] (top): given -1,");
  expect_both(good, {3, 3, 1, 1, 0, 0, 0, 3, 1, 1}, "padding[3] (right): given 3, accepted an integer in [0, 2]");
  expect_both(good, square(3, 1, 0, 0), "dilation[0]: given 0,");
  expect_both(good, square(10, 1, 0), "kernel_size: given [10, 10]");
  expect_both(good, square(int64_t{1} << 62, 1, 0), "kernel_size[0]: given 4611686018427387904,");

  Pool2dArgs pool{x, good, square(3, 1, 1), false, out};
  EXPECT_ERROR(max_pool2d(pool, Threads(1, 8).context()), "max_pool2d: workspace: given 8 bytes,");
  EXPECT_ERROR(max_pool2d(pool, Context{}), "max_pool2d: workspace: given 0 bytes,");
  pool.x = nullptr;
  EXPECT_ERROR(max_pool2d(pool, threads.context()), "max_pool2d: x: given a null pointer,");
  pool.x = x;
  pool.out = nullptr;
  EXPECT_ERROR(max_pool2d(pool, threads.context()), "max_pool2d: out: given a null pointer,");

  const auto expect_average = [&](void (*spoil)(AveragePool2dArgs&), const char* message) {
    AveragePool2dArgs args{{x, {1, 9, 8, 4}, square(3, 1, 1), false, out}, true, 0, 1, 0, 1, {0, -128, 127}};
    spoil(args);
    EXPECT_ERROR(average_pool2d(args, threads.context()), std::string("avg_pool2d: ") + message);
  };
  expect_average([](AveragePool2dArgs& a) { a.pool.window = square(3, 1, 1, 2); }, "dilation: given [2, 2],");
  expect_average([](AveragePool2dArgs& a) { a.divisor_override = -2; }, "divisor_override: given -2,");
  expect_average([](AveragePool2dArgs& a) { a.x_scale = 0; }, "x_scale: given 0,");
  expect_average([](AveragePool2dArgs& a) { a.x_zero_point = 128; }, "x_zero_point: given 128,");
  expect_average([](AveragePool2dArgs& a) { a.out_scale = std::nan(""); }, "out_scale: given nan,");
  expect_average([](AveragePool2dArgs& a) { a.x_scale = 1e30, a.out_scale = 1e-30; }, "out_scale: given 1e-30,");
  expect_average([](AveragePool2dArgs& a) { a.output.lo = 300; }, "out_min: given 300,");

  const auto expect_adaptive = [&](void (*spoil)(AdaptiveAveragePool2dArgs&), const char* message) {
    AdaptiveAveragePool2dArgs args{x, {1, 9, 8, 4}, 1, 1, 1, 0, 1, {0, -128, 127}, out};
    spoil(args);
    EXPECT_ERROR(adaptive_average_pool2d(args, threads.context()), std::string("adaptive_avg_pool2d: ") + message);
  };
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.out_h = 0; }, "output_size[0]: given 0,");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.out_w = -1; }, "output_size[1]: given -1,");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.shape.c = 0; }, "x: given shape [n=1, h=9, w=8, c=0],");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.shape = {1, 4000, 4000, 1}; }, "x: given a window of 16000000");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.x_scale = -1; }, "x_scale: given -1,");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.output.zero_point = -200; }, "out_zero_point: given -200,");
  expect_adaptive([](AdaptiveAveragePool2dArgs& a) { a.x = nullptr; }, "x: given a null pointer,");
  EXPECT_EQ(pool2d_workspace({1, 0, 8, 4}, square(3, 1, 1), 4), size_t{0});
}

}  // namespace
