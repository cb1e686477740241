// Every GEMM kernel against a plain statement of the arithmetic, byte for byte.
#include "kernels/gemm/gemm.h"

#include "reference.h"
#include "testing.h"

namespace {

using mobilekernels::GemmArgs;
using mobilekernels::GemmKernel;
using mobilekernels::kPanelChannels;
using mobilekernels::kQuad;
using mobilekernels::ResidualAdd;
using testing::Buffer;
using testing::Random;

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

struct Case {
  size_t rows, channels, k, quads;
  Buffer<int8_t> x, w, residual_data;
  Buffer<int32_t> bias, wsum;
  Buffer<float> scale;
  ResidualAdd residual{};
  mobilekernels::Epilogue epilogue{};

  Case(Random& random, size_t rows_, size_t channels_, size_t k_, bool with_residual)
      : rows(rows_),
        channels(channels_),
        k(k_),
        quads((k_ + kQuad - 1) / kQuad),
        x(rows_ * k_),
        w(round_up(channels_, kPanelChannels) * quads * kQuad),
        residual_data(rows_ * channels_),
        bias(round_up(channels_, kPanelChannels)),
        wsum(bias.size()),
        scale(bias.size()) {
    const bool extreme = random.integer(0, 3) == 0;
    for (int8_t& value : x) value = static_cast<int8_t>(extreme ? -128 : random.integer(-128, 127));
    std::memset(w.data(), 0, w.size());
    for (size_t c = 0; c < bias.size(); ++c) {
      wsum[c] = 0;
      bias[c] = c < channels ? static_cast<int32_t>(random.integer(-100000, 100000)) : 0;
      scale[c] = random.pick({1e-12f, 0.5f / 65536, 1.0f / 4096, 0.5f, 1.0f, 1e6f, 3e38f, random.real(0, 0.01f)});
      for (size_t i = 0; c < channels && i < k; ++i) {
        weight(c, i) = static_cast<int8_t>(extreme ? random.pick({-127, 127}) : random.integer(-127, 127));
        wsum[c] += weight(c, i);
      }
    }
    fill(random, residual_data);
    epilogue = {bias.data(), wsum.data(), scale.data(), reference::random_range(random), nullptr};
    if (with_residual) {
      residual = {residual_data.data(),
                  channels,
                  random.real(0.01f, 4.0f),
                  random.real(0.01f, 4.0f),
                  reference::random_zero_point(random),
                  reference::random_range(random)};
      epilogue.residual = &residual;
    }
  }

  int8_t& weight(size_t c, size_t i) {
    return w[((c / kPanelChannels * quads + i / kQuad) * kPanelChannels + c % kPanelChannels) * kQuad + i % kQuad];
  }

  float scaled(size_t r, size_t c) {
    int64_t acc = bias[c];
    for (size_t i = 0; i < k; ++i) acc += int64_t{x[r * k + i]} * weight(c, i);
    return static_cast<float>(static_cast<int32_t>(acc)) * scale[c];
  }

  int8_t expected(size_t r, size_t c) {
    const int32_t main = reference::clamp_round(scaled(r, c), epilogue.output);
    if (epilogue.residual == nullptr) return static_cast<int8_t>(main + epilogue.output.zero_point);
    const float a = static_cast<float>(main) * residual.main_scale;
    const float b =
        static_cast<float>(residual_data[r * channels + c] - residual.residual_zero_point) * residual.residual_scale;
    return reference::to_int8(a + b, residual.output);
  }
};

std::string describe(const char* isa, const Case& c) {
  return std::string(isa) + " rows " + std::to_string(c.rows) + " channels " + std::to_string(c.channels) + " k " +
         std::to_string(c.k);
}

// Rows packed by the kernel, ending at a page's end; the output strided, so that a write past a row shows.
template <typename T>
void check(const char* isa, const GemmKernel& kernel, Case& c, T* GemmArgs::* output, const std::vector<T>& expected,
           bool with_scratch) {
  const size_t stride = c.quads * kQuad * kernel.element_bytes;
  Buffer<int8_t> a(c.rows * stride);
  for (size_t r = 0; r < c.rows; ++r) {
    kernel.pack(a.data() + r * stride, c.x.data() + r * c.k, c.k);
    kernel.fill(a.data() + r * stride + c.k * kernel.element_bytes, 0, c.quads * kQuad - c.k);
  }
  constexpr size_t kGap = 5;
  Buffer<T> out(c.rows * (c.channels + kGap));
  out.clear();
  Buffer<T> untouched(kGap);
  untouched.clear();
  GemmArgs args{};
  args.rows = c.rows;
  args.channels = c.channels;
  args.quads = c.quads;
  args.a = a.data();
  args.a_stride = stride;
  args.w = c.w.data();
  args.*output = out.data();
  args.out_stride = c.channels + kGap;
  args.epilogue = c.epilogue;
  Buffer<int8_t> scratch(mobilekernels::gemm_scratch_bytes(c.quads));
  args.scratch = with_scratch ? scratch.data() : nullptr;
  kernel.run(args);
  for (size_t r = 0; r < c.rows; ++r) {
    const T* row = out.data() + r * args.out_stride;
    EXPECT_SAME(row, &expected[r * c.channels], c.channels, describe(isa, c) + " row " + std::to_string(r));
    EXPECT_SAME(row + c.channels, untouched.data(), kGap, "past the row: " + describe(isa, c));
  }
  EXPECT(out.untouched_before());
}

void check_all(Random& random, size_t rows, size_t channels, size_t k) {
  for (const bool with_residual : {false, true}) {
    Case c(random, rows, channels, k, with_residual);
    std::vector<int8_t> expected(rows * channels);
    std::vector<float> floats(rows * channels);
    for (size_t i = 0; i < expected.size(); ++i) {
      expected[i] = c.expected(i / channels, i % channels);
      floats[i] = c.scaled(i / channels, i % channels);
    }
    for (const auto& [isa, kernel] : testing::runnable_kernels<GemmKernel>("gemm")) {
      for (const bool with_scratch : {false, true}) {
        check(isa, *kernel, c, &GemmArgs::out, expected, with_scratch);
        check(isa, *kernel, c, &GemmArgs::out_float, floats, with_scratch);
      }
    }
  }
}

TEST(every_row_count_and_channel_tail) {
  Random random(1);
  for (size_t rows = 1; rows <= 17; ++rows) {
    for (const size_t channels : {1, 15, 16, 17, 31, 32, 33, 50}) check_all(random, rows, channels, 11);
  }
}

TEST(every_k_tail) {
  Random random(2);
  for (size_t k = 1; k <= 40; ++k) check_all(random, 5, 19, k);
}

// A few rows take kernels of their own, which split k and take several panels at a time.
TEST(few_rows_of_any_k_and_channels) {
  Random random(4);
  for (size_t rows = 1; rows <= 3; ++rows) {
    for (const size_t k : {1, 3, 4, 5, 12, 16, 17, 31, 33, 63, 64, 67}) {
      for (const size_t channels : {1, 16, 63, 64, 65, 83, 130}) check_all(random, rows, channels, k);
    }
  }
}

// AVX2 adds magnitudes times what may be as little as -128: no sum of products may saturate, whatever the signs are.
TEST(extreme_activations_by_extreme_weights) {
  Random random(5);
  for (const size_t rows : {1, 4, 15}) {
    for (const int8_t x : {-128, 127}) {
      for (const int8_t w : {-127, 127}) {
        Case c(random, rows, 20, 9, false);
        std::vector<int8_t> expected(rows * c.channels);
        for (int8_t& value : c.x) value = x;
        for (size_t channel = 0; channel < c.channels; ++channel) {
          for (size_t i = 0; i < c.k; ++i) c.weight(channel, i) = w;
          c.wsum[channel] = static_cast<int32_t>(c.k) * w;
          c.scale[channel] = 1.0f / 2048;
        }
        for (size_t i = 0; i < expected.size(); ++i) expected[i] = c.expected(i / c.channels, i % c.channels);
        for (const auto& [isa, kernel] : testing::runnable_kernels<GemmKernel>("gemm")) {
          for (const bool with_scratch : {false, true}) {
            check(isa, *kernel, c, &GemmArgs::out, expected, with_scratch);
          }
        }
      }
    }
  }
}

#if defined(__x86_64__)
// One row of more weights than caches hold is read as several streams.
TEST(one_row_of_weights_larger_than_caches) {
  Random random(6);
  check_all(random, 1, 4100, 4099);
}
#endif

TEST(random_sizes) {
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    check_all(random, static_cast<size_t>(random.integer(1, 40)), static_cast<size_t>(random.integer(1, 70)),
              static_cast<size_t>(random.integer(1, 300)));
  }
}

TEST(tile_sizes_are_what_callers_rely_on) {
  for (const auto& [isa, kernel] : testing::runnable_kernels<GemmKernel>("gemm")) {
    EXPECT(kernel->mr >= 1 && kernel->mr <= 16);                       // rows.cc sizes its blocks for 16 rows ...
    EXPECT(kernel->element_bytes == 1 || kernel->element_bytes == 2);  // ... of at most 2 bytes a value
    EXPECT(kernel->nr % kPanelChannels == 0);
    EXPECT(!kernel->int8_rows || kernel->element_bytes == 1);
  }
}

}  // namespace
