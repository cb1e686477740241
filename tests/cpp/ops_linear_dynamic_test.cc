// linear_dynamic, from plain weights through the packer, on every ISA and several threads, against loops.
#include "ops/linear_dynamic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pack/pack.h"
#include "reference.h"
#include "testing.h"

namespace {

using namespace mobilekernels;
using testing::Buffer;
using testing::Random;
using testing::Threads;

constexpr DynamicQuantization kPlain{false, false, -128, 127, 0x1p-12};

DynamicQuantization random_quantization(Random& random) {
  const bool reduced = random.integer(0, 1) == 0;
  return {random.integer(0, 1) == 0, random.integer(0, 1) == 0, reduced ? -127 : -128, 127,
          random.pick({0x1p-12, 0x1p-23, 0x1p-100})};
}

struct Params {
  float scale;
  int32_t zero_point;
};

// The text of ops/linear_dynamic.h.
Params params_of(const float* x, size_t n, const DynamicQuantization& q) {
  float lo = 0, hi = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return {std::nanf(""), 0};
    lo = std::min(lo, x[i]);
    hi = std::max(hi, x[i]);
  }
  const auto steps = static_cast<float>(q.quant_max - q.quant_min);
  const float scale =
      std::max(q.symmetric ? std::max(-lo, hi) / (steps / 2) : (hi - lo) / steps, static_cast<float>(q.eps));
  if (!std::isfinite(scale)) return {std::nanf(""), 0};
  const auto zero_point = q.quant_min - static_cast<int32_t>(std::nearbyint(lo / scale));
  return {scale, q.symmetric ? 0 : std::clamp(zero_point, q.quant_min, q.quant_max)};
}

struct Case {
  int64_t rows, features, out_features;
  DynamicQuantization quantization;
  Buffer<float> x, bias;
  std::vector<float> scale, expected;
  std::vector<int8_t> weights, packed;

  Case(Random& random, int64_t rows_, int64_t features_, int64_t out, int64_t block, const DynamicQuantization& q)
      : rows(rows_),
        features(features_),
        out_features(out),
        quantization(q),
        x(static_cast<size_t>(rows_ * features_)),
        bias(static_cast<size_t>(out)) {
    for (int64_t row = 0; row < rows; ++row) {
      const float size = random.pick({0.0f, 1e-40f, 1e-5f, 1.0f, 1e6f, 3e38f}),
                  offset = random.pick({0.0f, 1.0f, -1.0f});
      float* values = x.data() + row * features;
      for (int64_t i = 0; i < features; ++i) values[i] = std::clamp(random.real(-1, 1) + offset, -1.0f, 1.0f) * size;
      const float bad = random.pick({std::nanf(""), INFINITY, -INFINITY});
      if (random.integer(0, 9) == 0) values[random.integer(0, features - 1)] = bad;
    }
    for (float& value : bias) value = random.real(-1, 1);
    for (int64_t i = 0; i < out * features; ++i) {
      const bool zero = block > 0 && random.integer(0, 3) > 0;
      weights.push_back(static_cast<int8_t>(zero ? 0 : random.integer(-127, 127)));
    }
    for (int64_t c = 0; c < out; ++c) scale.push_back(random.real(1e-6f, 0.01f));
    EXPECT_OK(pack_weights({weights.data(), nullptr, scale.data(), out, features, 1, 1, 1, 0, block}, &packed));
    for (int64_t row = 0; row < rows; ++row) add_expected(row);
  }

  void add_expected(int64_t row) {
    const DynamicQuantization& q = quantization;
    const auto n = static_cast<size_t>(features);
    const float* values = x.data() + row * features;
    const Params p = q.per_row ? params_of(values, n, q) : params_of(x.data(), x.size(), q);
    const float inverse = reference::ratio(1.0, double{p.scale});
    for (int64_t c = 0; c < out_features; ++c) {
      if (std::isnan(p.scale)) {
        expected.push_back(p.scale);
        continue;
      }
      int32_t acc = 0;
      for (int64_t i = 0; i < features; ++i) {
        const int8_t code = reference::to_int8(values[i] * inverse, {p.zero_point, q.quant_min, q.quant_max});
        acc += (code - p.zero_point) * weights[static_cast<size_t>(c * features + i)];
      }
      const float factor = p.scale * scale[static_cast<size_t>(c)];
      const float product = static_cast<float>(acc) * factor;
      expected.push_back(product + bias[static_cast<size_t>(c)]);
    }
  }

  LinearDynamicArgs args(float* out) {
    return {x.data(), rows, features, packed.data(), packed.size(), bias.data(), out_features, quantization, out};
  }
};

// Which NaN a NaN is is left open.
void check_same(Buffer<float>& out, const std::vector<float>& expected, const std::string& where) {
  std::vector<float> given(out.data(), out.data() + out.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (std::isnan(given[i]) && std::isnan(expected[i])) given[i] = expected[i];
  }
  EXPECT_SAME(given.data(), expected.data(), given.size(), where);
}

void check(Case& c, const std::string& what) {
  testing::for_each_isa([&](const std::string& isa) {
    for (const int threads : {1, 2, 3}) {
      Buffer<float> out(c.expected.size());
      out.clear();
      const LinearDynamicArgs args = c.args(out.data());
      const Threads pool(threads, linear_dynamic_workspace(args, threads));
      EXPECT_OK(linear_dynamic(args, pool.context()));
      check_same(out, c.expected, isa + ", " + std::to_string(threads) + " threads, " + what);
      EXPECT(out.untouched_before() && pool.workspace_kept());
    }
  });
}

TEST(random_layers) {
  Random random(1);
  for (int i = 0; i < 120; ++i) {
    const int64_t rows = random.pick<int64_t>({1, 1, 2, random.integer(1, 40)});
    const int64_t features = random.integer(1, 150), out = random.integer(1, 90);
    const int64_t block = random.pick<int64_t>({0, 1, 4});
    Case c(random, rows, features, out, block, random_quantization(random));
    check(c, "layer " + std::to_string(i));
  }
}

TEST(one_row_and_many) {
  Random random(2);
  for (const int64_t rows : {1, 2, 3, 13, 24, 130}) {
    for (const int64_t block : {0, 1, 4}) {
      for (const bool per_row : {false, true}) {
        DynamicQuantization q = kPlain;
        q.per_row = per_row;
        Case c(random, rows, 260, 137, block, q);
        check(c, "rows " + std::to_string(rows));
      }
    }
  }
}

TEST(no_rows) {
  Random random(3);
  Case c(random, 1, 5, 4, 0, kPlain);
  LinearDynamicArgs args = c.args(nullptr);
  args.rows = 0;
  args.x = nullptr;
  EXPECT_EQ(linear_dynamic_workspace(args, 2), size_t{0});
  EXPECT_OK(linear_dynamic(args, Context{}));
}

TEST(bad_arguments_are_named) {
  Random random(4);
  Case c(random, 3, 5, 4, 0, kPlain);
  Buffer<float> out(c.expected.size());
  const LinearDynamicArgs good = c.args(out.data());
  const Threads pool(1, linear_dynamic_workspace(good, 1));
  const auto with = [&](auto change) {
    LinearDynamicArgs args = good;
    change(args);
    return linear_dynamic(args, pool.context());
  };
  using Args = LinearDynamicArgs;
  EXPECT_OK(linear_dynamic(good, pool.context()));
  EXPECT_ERROR(with([](Args& a) { a.rows = -1; }), "linear_dynamic: rows: given -1");
  EXPECT_ERROR(with([](Args& a) { a.in_features = 6; }), "linear_dynamic: x: given 6 features");
  EXPECT_ERROR(with([](Args& a) { a.out_features = 5; }), "linear_dynamic: out_features: given 5");
  EXPECT_ERROR(with([](Args& a) { a.quantization.quant_min = -129; }), "linear_dynamic: quant_min, quant_max: given");
  EXPECT_ERROR(with([](Args& a) { a.quantization.quant_max = 128; }), "linear_dynamic: quant_min, quant_max: given");
  EXPECT_ERROR(with([](Args& a) { a.quantization.quant_min = 113; }), "linear_dynamic: quant_min, quant_max: given");
  EXPECT_ERROR(with([](Args& a) { a.quantization = {false, true, 0, 127, 1.0}; }),
               "linear_dynamic: quant_min, quant_max: given (0, 127) with symmetric");
  EXPECT_ERROR(with([](Args& a) { a.quantization.eps = 0; }), "linear_dynamic: eps: given 0");
  EXPECT_ERROR(with([](Args& a) { a.quantization.eps = std::nan(""); }), "linear_dynamic: eps: given");
  EXPECT_ERROR(linear_dynamic(good, Context{}), "linear_dynamic: workspace: given 0");
}

// Weights of a static layer, of a convolution, in float32: none of them is taken for what it is not.
TEST(other_weights_are_refused) {
  Random random(5);
  Case c(random, 3, 4, 4, 0, kPlain);
  Buffer<float> out(c.expected.size());
  const Threads pool(1, size_t{1} << 20);
  const auto run = [&](const std::vector<int8_t>& packed) {
    LinearDynamicArgs args = c.args(out.data());
    args.packed = packed.data();
    args.packed_bytes = packed.size();
    return linear_dynamic(args, pool.context());
  };
  const std::vector<int32_t> bias = {0, 0, 0, 1};
  const int8_t* weights = c.weights.data();
  const float* scale = c.scale.data();
  std::vector<int8_t> packed;
  EXPECT_OK(pack_weights({weights, nullptr, scale, 4, 4, 1, 1, 1, 3}, &packed));
  EXPECT_ERROR(run(packed), "linear_dynamic: packed: given weights with the zero point or bias");
  EXPECT_OK(pack_weights({weights, bias.data(), scale, 4, 4, 1, 1, 1, 0}, &packed));
  EXPECT_ERROR(run(packed), "linear_dynamic: packed: given weights with the zero point or bias");
  EXPECT_OK(pack_weights({weights, nullptr, scale, 2, 4, 1, 2, 1, 0}, &packed));
  EXPECT_ERROR(run(packed), "linear_dynamic: out_features: given 4");
  const std::vector<int8_t> twice(32, 1);
  EXPECT_OK(pack_weights({twice.data(), nullptr, scale, 4, 4, 1, 2, 1, 0}, &packed));
  EXPECT_ERROR(run(packed), "linear_dynamic: packed: given the weights of a convolution");
  const std::vector<float> floats(16, 1.0f);
  EXPECT_OK(pack_weights_f32({floats.data(), nullptr, 4, 4, 1, 1, 1, 4}, &packed));
  EXPECT_ERROR(run(packed), "linear_dynamic: packed: given float32 weights");
}

}  // namespace
