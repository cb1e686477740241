// concat, channel_shuffle, slice_channels: sizes, threads, every ISA, what they refuse.
#include "ops/concat.h"

#include <memory>

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::ConcatInput;
using mobilekernels::Context;
using testing::Buffer;
using testing::Random;
using testing::Threads;

template <typename Body>
void everywhere(const std::string& what, const Body& body) {
  testing::for_each_isa([&](const std::string& isa) {
    for (int threads : {1, 2, 5}) {
      body(Threads(threads).context(), what + ", " + isa + ", " + std::to_string(threads) + " threads");
    }
  });
}

TEST(concat_of_parts) {
  Random random(1);
  const std::vector<std::vector<int64_t>> widths = {{1},           {1, 1},          {5, 64}, {24, 0, 3},
                                                    {64, 64, 130}, {7, 7, 7, 7, 7}, {0}};
  for (const std::vector<int64_t>& inner : widths) {
    for (int64_t outer : {0, 1, 3, 49, 3000}) {
      const double out_scale = random.pick({0.1, static_cast<double>(random.real(0.01f, 1))});
      const int32_t out_zero_point = reference::random_zero_point(random);
      std::vector<std::unique_ptr<Buffer<int8_t>>> data;
      std::vector<ConcatInput> inputs;
      int64_t run = 0;
      for (int64_t width : inner) {
        data.push_back(std::make_unique<Buffer<int8_t>>(static_cast<size_t>(outer * width)));
        fill(random, *data.back());
        const bool same = random.integer(0, 1) == 0;  // copied, not requantized
        inputs.push_back({data.back()->data(), width, same ? out_scale : static_cast<double>(random.real(0.01f, 1)),
                          same ? out_zero_point : reference::random_zero_point(random)});
        run += width;
      }
      std::vector<int8_t> expected;
      for (int64_t row = 0; row < outer; ++row) {
        for (const ConcatInput& part : inputs) {
          for (int64_t i = 0; i < part.inner; ++i) {
            const int8_t x = part.data[row * part.inner + i];
            expected.push_back(
                reference::to_int8(static_cast<float>(x - part.zero_point) * reference::ratio(part.scale, out_scale),
                                   {out_zero_point, -128, 127}));
          }
        }
      }
      everywhere(std::to_string(outer) + " x " + std::to_string(run),
                 [&](const Context& context, const std::string& where) {
                   Buffer<int8_t> out(expected.size());
                   EXPECT_OK(concat(inputs.data(), static_cast<int>(inputs.size()), outer, out_scale, out_zero_point,
                                    out.data(), context));
                   EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
                   EXPECT(out.untouched_before());
                 });
    }
  }
}

TEST(channel_shuffle_of_groups) {
  Random random(2);
  for (int64_t groups : {1, 2, 3, 4, 8}) {
    for (int64_t each : {1, 3, 16, 58}) {
      for (int64_t outer : {0, 1, 7, 700}) {
        const int64_t channels = groups * each;
        Buffer<int8_t> x(static_cast<size_t>(outer * channels));
        fill(random, x);
        std::vector<int8_t> expected;
        for (int64_t row = 0; row < outer; ++row) {
          for (int64_t c = 0; c < channels; ++c) {
            expected.push_back(x[static_cast<size_t>(row * channels + c % groups * each + c / groups)]);
          }
        }
        everywhere(std::to_string(groups) + " x " + std::to_string(each),
                   [&](const Context& context, const std::string& where) {
                     Buffer<int8_t> out(expected.size());
                     EXPECT_OK(channel_shuffle(x.data(), outer, channels, groups, out.data(), context));
                     EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
                     EXPECT(out.untouched_before());
                   });
      }
    }
  }
}

TEST(slices) {
  Random random(3);
  constexpr int64_t kChannels = 116;
  for (int64_t outer : {0, 1, 784, 3000}) {
    Buffer<int8_t> x(static_cast<size_t>(outer * kChannels));
    fill(random, x);
    for (auto [start, end] : {std::pair<int64_t, int64_t>{0, 58}, {58, 116}, {0, 116}, {115, 116}, {3, 20}}) {
      std::vector<int8_t> expected;
      for (int64_t row = 0; row < outer; ++row) {
        for (int64_t c = start; c < end; ++c) expected.push_back(x[static_cast<size_t>(row * kChannels + c)]);
      }
      everywhere("slice", [&, start = start, end = end](const Context& context, const std::string& where) {
        Buffer<int8_t> out(expected.size());
        EXPECT_OK(slice_channels(x.data(), outer, kChannels, start, end, out.data(), context));
        EXPECT_SAME(out.data(), expected.data(), expected.size(), where);
        EXPECT(out.untouched_before());
      });
    }
  }
}

TEST(refused) {
  const Context context;
  int8_t x[64] = {}, out[64];
  const auto concat_of = [&](std::vector<ConcatInput> inputs, int64_t outer = 2, double out_scale = 1,
                             int32_t out_zero_point = 0) {
    return concat(inputs.data(), static_cast<int>(inputs.size()), outer, out_scale, out_zero_point, out, context);
  };
  const ConcatInput good{x, 4, 1, 0};
  EXPECT_OK(concat_of({good, good}));
  EXPECT_ERROR(concat_of({}), "concat: xs: given 0 tensors,");
  EXPECT_ERROR(concat_of({good}, -1), "concat: outer: given -1,");
  EXPECT_ERROR(concat_of({good}, 2, 0), "concat: out_scale: given 0,");
  EXPECT_ERROR(concat_of({good}, 2, std::nan("")), "concat: out_scale: given nan,");
  EXPECT_ERROR(concat_of({good}, 2, 1, 128), "concat: out_zero_point: given 128,");
  EXPECT_ERROR(concat_of({good, {x, -4, 1, 0}}), "concat: xs[1]: given -4,");
  EXPECT_ERROR(concat_of({good, {nullptr, 4, 1, 0}}), "concat: xs[1]: given a null pointer,");
  EXPECT_ERROR(concat_of({good, {x, 4, -1, 0}}), "concat: scales[1]: given -1,");
  EXPECT_ERROR(concat_of({{x, 4, 1, -129}, good}), "concat: zero_points[0]: given -129,");
  EXPECT_ERROR(concat_of({{x, 4, 1e30, 0}}, 2, 1e-30), "concat: out_scale: given 1e-30,");
  EXPECT_ERROR(concat_of({{x, INT64_MAX / 16, 1, 0}}), "concat: xs[0]: given ");

  EXPECT_ERROR(channel_shuffle(x, 2, 8, 3, out, context), "channel_shuffle: groups: given 3,");
  EXPECT_ERROR(channel_shuffle(x, 2, 8, 0, out, context), "channel_shuffle: groups: given 0,");
  EXPECT_ERROR(channel_shuffle(x, 2, 0, 1, out, context), "channel_shuffle: x: given 0 channels,");
  EXPECT_ERROR(channel_shuffle(x, -2, 8, 2, out, context), "channel_shuffle: outer: given -2,");
  EXPECT_ERROR(channel_shuffle(nullptr, 2, 8, 2, out, context), "channel_shuffle: x: given a null pointer,");
  EXPECT_ERROR(channel_shuffle(x, PTRDIFF_MAX / 16, 18, 2, out, context), "channel_shuffle: x: given ");

  EXPECT_ERROR(slice_channels(x, 2, 8, -1, 4, out, context), "slice_channels: start: given -1,");
  EXPECT_ERROR(slice_channels(x, 2, 8, 8, 9, out, context), "slice_channels: start: given 8,");
  EXPECT_ERROR(slice_channels(x, 2, 8, 4, 4, out, context), "slice_channels: end: given 4,");
  EXPECT_ERROR(slice_channels(x, 2, 8, 4, 9, out, context), "slice_channels: end: given 9,");
  EXPECT_ERROR(slice_channels(x, 2, 8, 4, 8, nullptr, context), "slice_channels: out: given a null pointer,");
}

}  // namespace
