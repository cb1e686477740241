// Every pooling kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/pool/pool.h"

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::MaxLine;
using mobilekernels::OutputRange;
using mobilekernels::PoolKernels;
using testing::Buffer;
using testing::Random;

std::vector<size_t> channel_counts() {
  std::vector<size_t> all;
  for (size_t n = 1; n <= 67; ++n) all.push_back(n);
  all.insert(all.end(), {96, 127, 128, 129, 1280});
  return all;
}

// Windows of `count` pixels anywhere in memory whose last pixel ends at the end of a page.
struct Pixels {
  Buffer<int8_t> data;
  std::vector<const int8_t*> pointers;

  Pixels(Random& random, size_t channels, size_t count) : data((count + 2) * channels) {
    const bool extreme = random.integer(0, 3) == 0;
    for (int8_t& x : data) x = static_cast<int8_t>(extreme ? random.pick({-128, 127}) : random.integer(-128, 127));
    for (size_t i = 0; i < count; ++i) {
      pointers.push_back(&data[static_cast<size_t>(random.integer(0, static_cast<int64_t>(count) + 1)) * channels]);
    }
    pointers[static_cast<size_t>(random.integer(0, static_cast<int64_t>(count) - 1))] = &data[(count + 1) * channels];
  }
};

std::string text(const char* isa, size_t channels, size_t count) {
  return std::string(isa) + ", " + std::to_string(channels) + " channels, " + std::to_string(count) + " pixels";
}

// The rows of a line of windows anywhere in memory; the last tap of the last row ends at the end of a page.
struct Lines {
  MaxLine line{};
  size_t row_bytes;
  Buffer<int8_t> data;
  std::vector<const int8_t*> rows;

  Lines(Random& random, size_t channels, size_t kernel_h, size_t kernel_w)
      : line(shape(random, channels, kernel_w)),
        row_bytes(line.offset + (line.pixels - 1) * line.pixel_step + (kernel_w - 1) * line.column_step + channels),
        data((kernel_h + 1) * row_bytes) {
    for (int8_t& x : data) x = static_cast<int8_t>(random.integer(-128, 127));
    for (size_t i = 0; i < kernel_h; ++i) {
      rows.push_back(&data[static_cast<size_t>(random.integer(0, static_cast<int64_t>(kernel_h))) * row_bytes]);
    }
    rows[static_cast<size_t>(random.integer(0, static_cast<int64_t>(kernel_h) - 1))] = &data[kernel_h * row_bytes];
    line.rows = rows.data();
    line.rows_count = kernel_h;
  }

  static MaxLine shape(Random& random, size_t channels, size_t columns) {
    const auto some = [&](int64_t least, int64_t most) { return static_cast<size_t>(random.integer(least, most)); };
    const size_t column_step = some(1, 2) * channels;
    const size_t pixel_step = random.pick({column_step, 2 * column_step, some(1, 3) * channels});
    return {channels, nullptr, 0, columns, some(1, 6), some(0, 2) * channels, column_step, pixel_step, nullptr};
  }

  std::vector<int8_t> expected() const {
    std::vector<int8_t> out(line.pixels * line.channels, -128);
    for (size_t p = 0; p < line.pixels; ++p) {
      for (const int8_t* row : rows) {
        for (size_t j = 0; j < line.columns; ++j) {
          const int8_t* tap = row + line.offset + p * line.pixel_step + j * line.column_step;
          int8_t* to = &out[p * line.channels];
          for (size_t c = 0; c < line.channels; ++c) to[c] = tap[c] > to[c] ? tap[c] : to[c];
        }
      }
    }
    return out;
  }
};

TEST(max_line) {
  Random random(1);
  for (size_t channels : channel_counts()) {
    for (size_t kernel_h : {1, 2, 3, 3, 5}) {
      for (size_t kernel_w : {1, 2, 3, 3, 3, 5}) {
        Lines lines(random, channels, kernel_h, kernel_w);
        const std::vector<int8_t> expected = lines.expected();
        for (const auto& [isa, kernel] : testing::runnable_kernels<PoolKernels>("pool")) {
          Buffer<int8_t> out(expected.size());
          lines.line.out = out.data();
          kernel->max_line(lines.line);
          EXPECT_SAME(out.data(), expected.data(), expected.size(), text(isa, channels, kernel_h * kernel_w));
          EXPECT(out.untouched_before());
        }
      }
    }
  }
}

TEST(accumulate_adds_to_what_is_there) {
  Random random(2);
  for (size_t channels : channel_counts()) {
    for (size_t count : {1, 2, 3, 4, 5, 8, 9, 49, 300}) {
      Pixels pixels(random, channels, count);
      std::vector<int32_t> start(channels), expected;
      for (int32_t& sum : start) sum = static_cast<int32_t>(random.integer(-1000000000, 1000000000));
      expected = start;
      for (const int8_t* pixel : pixels.pointers) {
        for (size_t c = 0; c < channels; ++c) expected[c] += pixel[c];
      }
      for (const auto& [isa, kernel] : testing::runnable_kernels<PoolKernels>("pool")) {
        Buffer<int32_t> sums(channels);
        std::memcpy(sums.data(), start.data(), channels * sizeof(int32_t));
        kernel->accumulate(channels, pixels.pointers.data(), count, sums.data());
        EXPECT_SAME(sums.data(), expected.data(), channels, text(isa, channels, count));
        EXPECT(sums.untouched_before());
      }
    }
  }
}

TEST(finish) {
  Random random(3);
  for (size_t channels : channel_counts()) {
    for (int repeat = 0; repeat < 8; ++repeat) {
      const auto magnitude = random.pick<int64_t>({300, 20000, 1000000000});
      const auto offset = static_cast<int32_t>(random.integer(-magnitude, magnitude));
      const float scale = random.pick({0.5f, 1.0f / 64, 1e-9f, 1e30f, random.real(0, 0.1f)});
      const OutputRange range = reference::random_range(random);
      Buffer<int32_t> sums(channels);
      for (int32_t& sum : sums) sum = static_cast<int32_t>(random.integer(-magnitude, magnitude));
      std::vector<int8_t> expected;
      for (int32_t sum : sums) expected.push_back(reference::to_int8(static_cast<float>(sum - offset) * scale, range));
      for (const auto& [isa, kernel] : testing::runnable_kernels<PoolKernels>("pool")) {
        Buffer<int8_t> out(channels);
        kernel->finish(channels, sums.data(), offset, scale, range, out.data());
        EXPECT_SAME(out.data(), expected.data(), channels, text(isa, channels, 0));
        EXPECT(out.untouched_before());
      }
    }
  }
}

}  // namespace
