// add and mul: broadcasting, threads, every ISA, and what they refuse.
#include "ops/binary.h"

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::BinaryArgs;
using mobilekernels::BinaryOperand;
using mobilekernels::Context;
using mobilekernels::OutputRange;
using mobilekernels::Status;
using testing::Buffer;
using testing::Random;
using testing::Threads;

using Shape = std::vector<int64_t>;

size_t volume(const Shape& shape) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return static_cast<size_t>(n);
}

std::string text(const Shape& shape) {
  std::string s = "[";
  for (int64_t size : shape) s += std::to_string(size) + " ";
  return s + "]";
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (const Shape* shape : {&a, &b}) {
    for (size_t i = 0; i < shape->size(); ++i) {
      int64_t& size = out[out.size() - shape->size() + i];
      if ((*shape)[i] != 1) size = (*shape)[i];
    }
  }
  return out;
}

// The element of `shape` that the element `index` of `out` comes from.
size_t source(const Shape& shape, const Shape& out, size_t index) {
  size_t offset = 0, step = 1;
  for (size_t i = out.size(); i-- > 0;) {
    const size_t at = index % static_cast<size_t>(out[i]);
    index /= static_cast<size_t>(out[i]);
    const size_t missing = out.size() - shape.size();
    if (i < missing) continue;
    if (shape[i - missing] != 1) offset += at * step;
    step *= static_cast<size_t>(shape[i - missing]);
  }
  return offset;
}

struct Case {
  Shape a_shape, b_shape, out_shape;
  Buffer<int8_t> a, b, out;
  BinaryArgs args{};

  Case(Random& random, const Shape& a_shape_, const Shape& b_shape_)
      : a_shape(a_shape_),
        b_shape(b_shape_),
        out_shape(broadcast(a_shape_, b_shape_)),
        a(volume(a_shape)),
        b(volume(b_shape)),
        out(volume(out_shape)) {
    fill(random, a);
    fill(random, b);
    args.a = operand(random, a, a_shape);
    args.b = operand(random, b, b_shape);
    args.out_scale = random.pick({0.02, 1.0, 0.3, static_cast<double>(random.real(0.001f, 3))});
    args.output = reference::random_range(random);
    args.out = out.data();
  }

  static BinaryOperand operand(Random& random, Buffer<int8_t>& data, const Shape& shape) {
    return {data.data(), shape.data(), static_cast<int>(shape.size()),
            random.pick({0.01, 1.0, 0.1, static_cast<double>(random.real(0.001f, 3))}),
            reference::random_zero_point(random)};
  }

  template <typename Formula>
  std::vector<int8_t> expected(const Formula& formula) {
    std::vector<int8_t> all;
    for (size_t i = 0; i < out.size(); ++i) {
      const int32_t x = a[source(a_shape, out_shape, i)] - args.a.zero_point;
      const int32_t y = b[source(b_shape, out_shape, i)] - args.b.zero_point;
      all.push_back(reference::to_int8(formula(x, y), args.output));
    }
    return all;
  }

  void check(const char* op, Status (*run)(const BinaryArgs&, const Context&), const std::vector<int8_t>& all) {
    testing::for_each_isa([&](const std::string& isa) {
      for (int threads : {1, 2, 5}) {
        out.clear();
        EXPECT_OK(run(args, Threads(threads).context()));
        EXPECT_SAME(out.data(), all.data(), all.size(),
                    std::string(op) + " " + text(a_shape) + text(b_shape) + ", " + isa + ", " +
                        std::to_string(threads) + " threads");
        EXPECT(out.untouched_before());
      }
    });
  }

  void check() {
    const float a_ratio = reference::ratio(args.a.scale, args.out_scale);
    const float b_ratio = reference::ratio(args.b.scale, args.out_scale);
    check("add", mobilekernels::add, expected([&](int32_t x, int32_t y) {
            const float p = static_cast<float>(x) * a_ratio, q = static_cast<float>(y) * b_ratio;
            return p + q;
          }));
    const float ratio = reference::ratio(args.a.scale * args.b.scale, args.out_scale);
    check("mul", mobilekernels::mul, expected([&](int32_t x, int32_t y) { return static_cast<float>(x * y) * ratio; }));
  }
};

TEST(shapes) {
  Random random(1);
  const std::pair<Shape, Shape> shapes[] = {
      {{2, 5, 7, 19}, {2, 5, 7, 19}},            // equal
      {{2, 5, 7, 19}, {2, 1, 1, 19}},            // squeeze-and-excite
      {{2, 1, 1, 24}, {2, 3, 3, 24}},            // the same the other way round
      {{2, 5, 7, 19}, {19}},                     // per channel
      {{2, 5, 7, 19}, {}},                       // a scalar without dimensions
      {{1}, {2, 5, 7, 19}},                      // a scalar with one
      {{}, {}},                                  //
      {{1, 1}, {1}},                             //
      {{2, 5, 7, 19}, {2, 5, 7, 1}},             // per pixel
      {{2, 5, 7, 19}, {5, 1, 1}},                // in the middle
      {{2, 1, 7, 1}, {1, 5, 1, 19}},             // both ways at once
      {{2, 1, 3, 1, 2, 1}, {1, 4, 1, 3, 1, 5}},  // six dimensions, none merges
      {{1, 1, 1, 1, 1, 3}, {4, 1, 2, 1, 2, 1}},  //
      {{3, 1, 4}, {3, 2, 4}},                    //
      {{0, 5, 7, 3}, {0, 5, 7, 3}},              // empty
      {{0, 5, 7, 3}, {3}},                       //
      {{1, 200, 300}, {1, 200, 300}},            // enough for several tasks
      {{3, 30, 20, 72}, {3, 1, 1, 72}},          // tasks end within an image, and within a pixel
      {{2, 3, 1, 2500}, {2, 1, 1, 2500}},        // wide pixels
      {{1, 60, 41, 24}, {1, 1, 1, 24}},          //
      {{70000}, {1}},
  };
  for (const auto& [a, b] : shapes) {
    Case c(random, a, b);
    c.check();
  }
}

TEST(random_shapes) {
  Random random(2);
  for (int repeat = 0; repeat < 60; ++repeat) {
    Shape out(static_cast<size_t>(random.integer(0, 6)));
    for (int64_t& size : out) size = random.integer(1, 5);
    Shape operands[2];
    for (Shape& shape : operands) {
      const int64_t missing = random.integer(0, static_cast<int64_t>(out.size()));
      shape.assign(out.begin() + missing, out.end());
      for (int64_t& size : shape) size = random.integer(0, 2) == 0 ? 1 : size;
    }
    Case c(random, operands[0], operands[1]);
    c.check();
  }
}

TEST(output_shape) {
  Random random(3);
  Case c(random, {2, 1, 3}, {4, 1});
  int64_t sizes[mobilekernels::kMaxBinaryDims];
  int dims = 0;
  EXPECT_OK(binary_output_shape(c.args.a, c.args.b, sizes, &dims));
  EXPECT_EQ(dims, 3);
  EXPECT_EQ(sizes[0], 2);
  EXPECT_EQ(sizes[1], 4);
  EXPECT_EQ(sizes[2], 3);
  const int64_t other[] = {4, 2};
  c.args.b.sizes = other;
  EXPECT_ERROR(binary_output_shape(c.args.a, c.args.b, sizes, &dims), "binary: b: given shape [4, 2]");
}

TEST(refused) {
  Random random(4);
  const Context context;
  const auto expect = [&](void (*spoil)(BinaryArgs&), const char* message) {
    Case c(random, {2, 3}, {3});
    spoil(c.args);
    EXPECT_ERROR(mobilekernels::add(c.args, context), std::string("add: ") + message);
    EXPECT_ERROR(mobilekernels::mul(c.args, context), std::string("mul: ") + message);
  };
  static const int64_t three_two[] = {3, 2}, negative[] = {2, -1}, huge[] = {int64_t{1} << 40, int64_t{1} << 40};
  expect([](BinaryArgs& x) { x.b.sizes = three_two, x.b.dims = 2; }, "b: given shape [3, 2]");
  expect([](BinaryArgs& x) { x.a.sizes = negative; }, "a: given size -1 in dimension 1");
  expect([](BinaryArgs& x) { x.a.sizes = huge; }, "a: given size 1099511627776");
  expect([](BinaryArgs& x) { x.a.dims = 7; }, "a: given 7 dimensions");
  expect([](BinaryArgs& x) { x.b.dims = -1; }, "b: given -1 dimensions");
  expect([](BinaryArgs& x) { x.a.data = nullptr; }, "a: given a null pointer");
  expect([](BinaryArgs& x) { x.out = nullptr; }, "out: given a null pointer");
  expect([](BinaryArgs& x) { x.a.scale = 0; }, "a_scale: given 0,");
  expect([](BinaryArgs& x) { x.a.scale = -1; }, "a_scale: given -1,");
  expect([](BinaryArgs& x) { x.b.scale = std::nan(""); }, "b_scale: given nan,");
  expect([](BinaryArgs& x) { x.b.scale = HUGE_VAL; }, "b_scale: given inf,");
  expect([](BinaryArgs& x) { x.out_scale = 1e-40; }, "out_scale: given ");
  expect([](BinaryArgs& x) { x.a.scale = 1e30, x.out_scale = 1e-30; }, "out_scale: given 1e-30, accepted at least");
  expect([](BinaryArgs& x) { x.a.zero_point = 128; }, "a_zero_point: given 128,");
  expect([](BinaryArgs& x) { x.b.zero_point = -129; }, "b_zero_point: given -129,");
  expect([](BinaryArgs& x) { x.output.zero_point = 200; }, "out_zero_point: given 200,");
  expect([](BinaryArgs& x) { x.output.lo = -129; }, "out_min: given -129,");
  expect([](BinaryArgs& x) { x.output.lo = 5, x.output.hi = 4; }, "out_max: given 4,");
  expect([](BinaryArgs& x) { x.output.hi = 128; }, "out_max: given 128,");
}

}  // namespace
