// Every elementwise kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/elementwise/elementwise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::ElementwiseKernels;
using mobilekernels::ElementwiseOperand;
using mobilekernels::OutputRange;
using reference::random_range;
using reference::random_zero_point;
using testing::Buffer;
using testing::Random;

std::vector<size_t> sizes() {
  std::vector<size_t> all;
  for (size_t n = 0; n <= 131; ++n) all.push_back(n);
  all.insert(all.end(), {255, 256, 1000});
  return all;
}

const std::vector<testing::Runnable<ElementwiseKernels>>& kernels() {
  static const auto all = testing::runnable_kernels<ElementwiseKernels>("elementwise");
  return all;
}

float random_scale(Random& random) {
  return random.pick({0.5f, 1.0f, 1e-20f, 1e30f, random.real(0, 0.1f), random.real(0, 2)});
}

// expected(a, b) for each pair of values, with the operands whole or repeated.
template <typename Run, typename Expected>
void check_binary(Random& random, const Run& run, const Expected& expected) {
  for (size_t n : sizes()) {
    for (size_t step_a : {0, 1}) {
      for (size_t step_b : {0, 1}) {
        Buffer<int8_t> a(step_a == 1 ? n : 1), b(step_b == 1 ? n : 1);
        fill(random, a);
        fill(random, b);
        const ElementwiseOperand x{a.data(), step_a, random_zero_point(random), random_scale(random)};
        const ElementwiseOperand y{b.data(), step_b, random_zero_point(random), random_scale(random)};
        const OutputRange range = random_range(random);
        const float scale = random_scale(random);
        std::vector<int8_t> all;
        for (size_t i = 0; i < n; ++i) {
          all.push_back(reference::to_int8(
              expected(a[i * step_a] - x.zero_point, x.scale, b[i * step_b] - y.zero_point, y.scale, scale), range));
        }
        for (const auto& [isa, kernel] : kernels()) {
          Buffer<int8_t> out(n);
          run(*kernel, n, x, y, scale, range, out.data());
          EXPECT_SAME(out.data(), all.data(), n,
                      std::string(isa) + ", n " + std::to_string(n) + ", steps " + std::to_string(step_a) +
                          std::to_string(step_b));
          EXPECT(out.untouched_before());
        }
      }
    }
  }
}

TEST(add) {
  Random random(1);
  check_binary(
      random,
      [](const ElementwiseKernels& k, size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float,
         const OutputRange& range, int8_t* out) { k.add(n, a, b, range, out); },
      [](int32_t a, float a_scale, int32_t b, float b_scale, float) {
        const float x = static_cast<float>(a) * a_scale;
        const float y = static_cast<float>(b) * b_scale;
        return x + y;
      });
}

TEST(mul) {
  Random random(2);
  check_binary(
      random,
      [](const ElementwiseKernels& k, size_t n, const ElementwiseOperand& a, const ElementwiseOperand& b, float scale,
         const OutputRange& range, int8_t* out) { k.mul(n, a, b, scale, range, out); },
      [](int32_t a, float, int32_t b, float, float scale) { return static_cast<float>(a * b) * scale; });
}

// Each of the 65536 pairs of codes, at a scale full of ties.
TEST(add_and_mul_of_every_pair) {
  Buffer<int8_t> a(65536), b(65536);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<int8_t>(i >> 8);
    b[i] = static_cast<int8_t>(i);
  }
  const ElementwiseOperand x{a.data(), 1, -3, 0.5f}, y{b.data(), 1, 100, 0.25f};
  const OutputRange range{5, -128, 127};
  std::vector<int8_t> sum, product;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto p = static_cast<float>(a[i] + 3), q = static_cast<float>(b[i] - 100);
    sum.push_back(reference::to_int8(p * 0.5f + q * 0.25f, range));
    product.push_back(reference::to_int8(p * q * 0x1p-7f, range));
  }
  for (const auto& [isa, kernel] : kernels()) {
    Buffer<int8_t> out(a.size());
    kernel->add(a.size(), x, y, range, out.data());
    EXPECT_SAME(out.data(), sum.data(), sum.size(), isa);
    out.clear();
    kernel->mul(a.size(), x, y, 0x1p-7f, range, out.data());
    EXPECT_SAME(out.data(), product.data(), product.size(), isa);
  }
}

TEST(lut) {
  Random random(3);
  Buffer<int8_t> table(256);
  fill(random, table);
  for (size_t n : sizes()) {
    Buffer<int8_t> x(n);
    for (size_t i = 0; i < n; ++i) x[i] = static_cast<int8_t>(n == 256 ? i : static_cast<size_t>(random.bits() >> 9));
    std::vector<int8_t> expected;
    for (int8_t value : x) expected.push_back(table[static_cast<size_t>(value + 128)]);
    for (const auto& [isa, kernel] : kernels()) {
      Buffer<int8_t> out(n);
      kernel->lut(n, x.data(), table.data(), out.data());
      EXPECT_SAME(out.data(), expected.data(), n, std::string(isa) + ", n " + std::to_string(n));
      EXPECT(out.untouched_before());
    }
  }
}

TEST(quantize) {
  Random random(4);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (size_t n : sizes()) {
    const float inverse = random.pick({1.0f, 2.0f, 100.0f, 1e-30f, 8e37f, random.real(0, 50)});
    Buffer<float> x(n);
    for (float& value : x) {
      value = random.pick({random.real(-200, 200), static_cast<float>(random.integer(-300, 300)) / 2, 0.0f, -0.0f,
                           kInfinity, -kInfinity, kNan, -kNan, 3.4e38f, -3.4e38f, 1e-38f, -1e-40f, 0.49999997f});
    }
    const OutputRange range = random_range(random);
    std::vector<int8_t> expected;
    for (float value : x) expected.push_back(reference::to_int8(value * inverse, range));
    for (const auto& [isa, kernel] : kernels()) {
      Buffer<int8_t> out(n);
      kernel->quantize(n, x.data(), inverse, range, out.data());
      EXPECT_SAME(out.data(), expected.data(), n, std::string(isa) + ", inverse scale " + testing::show(inverse));
      EXPECT(out.untouched_before());
    }
  }
}

TEST(quantize3) {
  Random random(6);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (size_t n : sizes()) {
    const float inverse = random.pick({1.0f, 2.0f, 8e37f, random.real(0, 50)});
    const OutputRange range = random_range(random);
    Buffer<float> x[3] = {Buffer<float>(n), Buffer<float>(n), Buffer<float>(n)};
    std::vector<int8_t> expected;
    for (size_t i = 0; i < n; ++i) {
      for (Buffer<float>& plane : x) {
        plane[i] = random.pick(
            {random.real(-200, 200), static_cast<float>(random.integer(-300, 300)) / 2, kNan, 3e38f, -3e38f, -1e-40f});
        expected.push_back(reference::to_int8(plane[i] * inverse, range));
      }
    }
    const float* const planes[3] = {x[0].data(), x[1].data(), x[2].data()};
    for (const auto& [isa, kernel] : kernels()) {
      Buffer<int8_t> out(3 * n);
      kernel->quantize3(n, planes, inverse, range, out.data());
      EXPECT_SAME(out.data(), expected.data(), 3 * n, std::string(isa) + ", n " + std::to_string(n));
      EXPECT(out.untouched_before());
    }
  }
}

TEST(dequantize) {
  Random random(5);
  for (size_t n : sizes()) {
    const float scale = random.pick({1.0f, 0.1f, 1e-38f, 1e36f, random.real(0, 1)});
    const int32_t zero_point = random_zero_point(random);
    Buffer<int8_t> x(n);
    fill(random, x);
    std::vector<float> expected;
    for (int8_t value : x) expected.push_back(static_cast<float>(value - zero_point) * scale);
    for (const auto& [isa, kernel] : kernels()) {
      Buffer<float> out(n);
      kernel->dequantize(n, x.data(), scale, zero_point, out.data());
      EXPECT_SAME(out.data(), expected.data(), n, std::string(isa) + ", scale " + testing::show(scale));
      EXPECT(out.untouched_before());
    }
  }
}

TEST(interleave2) {
  Random random(6);
  for (size_t n : sizes()) {
    for (size_t rows : {1, 3}) {
      Buffer<int8_t> x(rows * 2 * n);
      fill(random, x);
      std::vector<int8_t> expected;
      for (size_t i = 0; i < rows * n; ++i) {
        const size_t at = i / n * 2 * n + i % n;
        expected.insert(expected.end(), {x[at], x[at + n]});
      }
      for (const auto& [isa, kernel] : kernels()) {
        Buffer<int8_t> out(rows * 2 * n);
        kernel->interleave2(rows, n, x.data(), out.data());
        EXPECT_SAME(out.data(), expected.data(), rows * 2 * n, std::string(isa) + ", n " + std::to_string(n));
        EXPECT(out.untouched_before());
      }
    }
  }
}

TEST(widen) {
  Random random(9);
  const auto key = [](float value) {
    int32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits >= 0 ? bits : bits ^ 0x7fffffff;
  };
  for (size_t n : sizes()) {
    Buffer<float> x(n);
    for (float& value : x) {
      value = random.pick({0.0f, -0.0f, 1e-45f, -1e-45f, std::numeric_limits<float>::infinity(), random.real(-1, 1)});
      if (random.integer(0, 300) == 0) value = std::copysign(std::numeric_limits<float>::quiet_NaN(), value);
    }
    mobilekernels::FloatSpan expected = {key(-0.5f), key(0.25f)};
    for (const float value : x) {
      expected = {std::min(expected.lo, key(value)), std::max(expected.hi, key(value))};
    }
    for (const auto& [isa, kernel] : kernels()) {
      mobilekernels::FloatSpan span = {key(-0.5f), key(0.25f)};
      kernel->widen(n, x.data(), &span);
      const std::string where = std::string(isa) + ", n " + std::to_string(n);
      EXPECT_SAME(&span.lo, &expected.lo, 1, where);
      EXPECT_SAME(&span.hi, &expected.hi, 1, where);
    }
  }
}

}  // namespace
