// lut, quantize, dequantize, and their forms between NCHW and NHWC: layouts, threads, every ISA, what they refuse.
#include "ops/unary.h"

#include <limits>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::Context;
using mobilekernels::OutputRange;
using mobilekernels::Shape4;
using testing::Buffer;
using testing::Random;
using testing::Threads;

std::string text(const Shape4& s) {
  return "n " + std::to_string(s.n) + ", h " + std::to_string(s.h) + ", w " + std::to_string(s.w) + ", c " +
         std::to_string(s.c);
}

size_t volume(const Shape4& s) { return static_cast<size_t>(s.n * s.h * s.w * s.c); }

// body(context, where) on every ISA with one, two and five threads.
template <typename Body>
void everywhere(const std::string& what, const Body& body) {
  testing::for_each_isa([&](const std::string& isa) {
    for (int threads : {1, 2, 5}) {
      body(Threads(threads).context(), what + ", " + isa + ", " + std::to_string(threads) + " threads");
    }
  });
}

void fill_floats(Random& random, Buffer<float>& x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (float& value : x) {
    value = random.pick({random.real(-20, 20), random.real(-20, 20), random.real(-20, 20), 0.5f, -1.5f, kInfinity,
                         -kInfinity, std::numeric_limits<float>::quiet_NaN()});
  }
}

int8_t quantized(float x, double scale, int32_t zero_point) {
  return reference::to_int8(x * reference::ratio(1, scale), {zero_point, -128, 127});
}

TEST(flat) {
  Random random(1);
  for (int64_t n : {0, 1, 15, 64, 1000, 33000, 100000}) {
    const auto size = static_cast<size_t>(n);
    Buffer<int8_t> codes(size), table(256);
    Buffer<float> floats(size);
    fill(random, codes);
    fill(random, table);
    fill_floats(random, floats);
    const double scale = random.pick({1.0, 0.1, 1e-38, 1e35, static_cast<double>(random.real(0.001f, 1))});
    const int32_t zero_point = reference::random_zero_point(random);
    std::vector<int8_t> looked_up, coded;
    std::vector<float> decoded;
    for (size_t i = 0; i < size; ++i) {
      looked_up.push_back(table[static_cast<size_t>(codes[i] + 128)]);
      coded.push_back(quantized(floats[i], scale, zero_point));
      decoded.push_back(static_cast<float>(codes[i] - zero_point) * static_cast<float>(scale));
    }
    everywhere("n " + std::to_string(n), [&](const Context& context, const std::string& where) {
      Buffer<int8_t> out(size);
      EXPECT_OK(lut(codes.data(), n, table.data(), out.data(), context));
      EXPECT_SAME(out.data(), looked_up.data(), size, where);
      out.clear();
      EXPECT_OK(quantize(floats.data(), n, scale, zero_point, out.data(), context));
      EXPECT_SAME(out.data(), coded.data(), size, where);
      EXPECT(out.untouched_before());
      Buffer<float> real(size);
      EXPECT_OK(dequantize(codes.data(), n, scale, zero_point, real.data(), context));
      EXPECT_SAME(real.data(), decoded.data(), size, where);
      EXPECT(real.untouched_before());
    });
  }
}

// The strides of a tensor [n, c, h, w], and how many floats it spans.
struct Layout {
  const char* name;
  int64_t strides[4];
  int64_t span;
};

std::vector<Layout> layouts(const Shape4& s) {
  const int64_t wide = s.w + 3, deep = s.c + 2;
  return {
      {"contiguous", {s.c * s.h * s.w, s.h * s.w, s.w, 1}, s.n * s.c * s.h * s.w},
      {"channels_last", {s.h * s.w * s.c, 1, s.w * s.c, s.c}, s.n * s.c * s.h * s.w},
      {"rows cut out", {s.c * s.h * wide, s.h * wide, wide, 1}, s.n * s.c * s.h * wide},
      {"channels_last, rows cut out", {s.h * wide * s.c, 1, wide * s.c, s.c}, s.n * s.h * wide * s.c},
      {"channels_last, channels cut out", {s.h * s.w * deep, 1, s.w * deep, deep}, s.n * s.h * s.w * deep},
      {"h and w swapped", {s.c * s.h * s.w, s.h * s.w, 1, s.h}, s.n * s.c * s.h * s.w},
      {"every second column", {s.c * s.h * s.w * 2, s.h * s.w * 2, s.w * 2, 2}, s.n * s.c * s.h * s.w * 2},
      {"expanded over n and c", {0, 0, s.w, 1}, s.h * s.w},
      {"expanded over h and w", {s.c, 1, 0, 0}, s.n * s.c},
  };
}

const Shape4 kShapes[] = {
    {1, 1, 1, 1},  {1, 1, 1, 70},  {2, 1, 9, 3},  {2, 9, 1, 3}, {1, 7, 5, 1},   {2, 7, 5, 3},    {2, 11, 13, 17},
    {1, 3, 65, 8}, {1, 2, 2, 130}, {3, 8, 8, 64}, {0, 4, 4, 3}, {1, 50, 50, 3}, {1, 40, 41, 24}, {5, 1, 1, 33},
};

TEST(quantize_nhwc_of_any_layout) {
  Random random(2);
  for (const Shape4& s : kShapes) {
    for (const Layout& layout : layouts(s)) {
      Buffer<float> x(static_cast<size_t>(layout.span));
      fill_floats(random, x);
      const double scale = random.real(0.05f, 0.5f);
      const int32_t zero_point = reference::random_zero_point(random);
      std::vector<int8_t> expected;
      for (int64_t n = 0; n < s.n; ++n) {
        for (int64_t h = 0; h < s.h; ++h) {
          for (int64_t w = 0; w < s.w; ++w) {
            for (int64_t c = 0; c < s.c; ++c) {
              const int64_t at =
                  n * layout.strides[0] + c * layout.strides[1] + h * layout.strides[2] + w * layout.strides[3];
              expected.push_back(quantized(x[static_cast<size_t>(at)], scale, zero_point));
            }
          }
        }
      }
      everywhere(text(s) + ", " + layout.name, [&](const Context& context, const std::string& where) {
        Buffer<int8_t> out(volume(s));
        EXPECT_OK(quantize_nhwc(x.data(), s, layout.strides, scale, zero_point, out.data(), context));
        EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
        EXPECT(out.untouched_before());
      });
    }
  }
}

TEST(dequantize_to_nchw) {
  Random random(3);
  for (const Shape4& s : kShapes) {
    Buffer<int8_t> x(volume(s));
    fill(random, x);
    const double scale = random.real(0.001f, 1);
    const int32_t zero_point = reference::random_zero_point(random);
    std::vector<float> expected(volume(s));
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t p = 0; p < s.h * s.w; ++p) {
        for (int64_t c = 0; c < s.c; ++c) {
          const int8_t code = x[static_cast<size_t>((n * s.h * s.w + p) * s.c + c)];
          expected[static_cast<size_t>((n * s.c + c) * s.h * s.w + p)] =
              static_cast<float>(code - zero_point) * static_cast<float>(scale);
        }
      }
    }
    everywhere(text(s), [&](const Context& context, const std::string& where) {
      Buffer<float> out(volume(s));
      EXPECT_OK(dequantize_nchw(x.data(), s, scale, zero_point, out.data(), context));
      EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
      EXPECT(out.untouched_before());
    });
  }
}

TEST(refused) {
  const Context context;
  int8_t codes[256] = {}, out[256];
  float floats[16] = {}, real[16];
  const int64_t strides[4] = {16, 4, 2, 1};
  EXPECT_ERROR(lut(codes, -1, codes, out, context), "lut: n: given -1,");
  EXPECT_ERROR(lut(nullptr, 1, codes, out, context), "lut: x: given a null pointer,");
  EXPECT_ERROR(lut(codes, 1, nullptr, out, context), "lut: table: given a null pointer,");
  EXPECT_ERROR(lut(codes, 1, codes, nullptr, context), "lut: out: given a null pointer,");
  EXPECT_ERROR(quantize(floats, 4, 0, 0, out, context), "quantize: scale: given 0,");
  EXPECT_ERROR(quantize(floats, 4, -0.5, 0, out, context), "quantize: scale: given -0.5,");
  EXPECT_ERROR(quantize(floats, 4, std::nan(""), 0, out, context), "quantize: scale: given nan,");
  EXPECT_ERROR(quantize(floats, 4, 1e-39, 0, out, context), "quantize: scale: given 1e-39,");
  EXPECT_ERROR(quantize(floats, 4, 1, 128, out, context), "quantize: zero_point: given 128,");
  EXPECT_ERROR(dequantize(codes, 4, HUGE_VAL, 0, real, context), "dequantize: scale: given inf,");
  EXPECT_ERROR(dequantize(codes, 4, 1, -129, real, context), "dequantize: zero_point: given -129,");
  EXPECT_ERROR(dequantize(codes, INT64_MAX, 1, 0, real, context), "dequantize: n: given 9223372036854775807,");
  const Shape4 bad[] = {{-1, 2, 2, 4}, {1, 0, 2, 4},  {1, 2, 0, 4},
                        {1, 2, 2, 0},  {1, 2, 2, -4}, {int64_t{1} << 31, int64_t{1} << 31, 4, 4}};
  for (const Shape4& shape : bad) {
    EXPECT_ERROR(quantize_nhwc(floats, shape, strides, 1, 0, out, context), "quantize_nhwc: x: given shape [n=");
    EXPECT_ERROR(dequantize_nchw(codes, shape, 1, 0, real, context), "dequantize_nchw: x: given shape [n=");
  }
  EXPECT_ERROR(quantize_nhwc(floats, {1, 2, 2, 4}, strides, 0, 0, out, context), "quantize_nhwc: scale: given 0,");
  EXPECT_ERROR(dequantize_nchw(codes, {1, 2, 2, 4}, 1, 500, real, context), "dequantize_nchw: zero_point: given 500,");
}

}  // namespace
