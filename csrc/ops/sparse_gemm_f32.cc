#include "ops/sparse_gemm_f32.h"

#include <algorithm>

#include "kernels/gemm/gemm.h"
#include "ops/check.h"

namespace mobilekernels {
namespace {

constexpr auto kTileChannels = static_cast<int64_t>(kPanelChannels);

int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
int64_t round_up(int64_t value, int64_t multiple) { return divide_up(value, multiple) * multiple; }

}  // namespace

PanelsF32::PanelsF32(const SpgemmF32Kernel& kernel, const PackedHeader& header, int64_t pixels) {
  const auto k = static_cast<size_t>(packed_quads(header) * kQuad);
  const auto widest = static_cast<int64_t>(kernel.most_pixels(k, header.block_channels));
  width = round_up(divide_up(pixels, divide_up(pixels, widest)), static_cast<int64_t>(kernel.vector));
  count = divide_up(pixels, width);
}

int64_t panel_f32_bytes(int64_t pixels, int64_t k) {
  constexpr auto kMost = static_cast<int64_t>(kMostPanelPixelsF32);
  constexpr int64_t kMostVector = 16, kAlignment = 64;
  const int64_t width = std::min(round_up(pixels, kMostVector), kMost);
  return round_up(
      round_up(std::max<int64_t>(k, 1), static_cast<int64_t>(kQuad)) * width * static_cast<int64_t>(sizeof(float)),
      kAlignment);
}

int64_t tiles_of_group(const PackedHeader& header) {
  return divide_up(header.out_channels / header.groups, kTileChannels);
}

SpgemmF32Args spgemm_f32_args(const PackedWeight& packed, int64_t group, int64_t begin, int64_t end) {
  const PackedHeader& h = packed.header;
  const int64_t first = begin * kTileChannels;
  const int64_t slot = group * tiles_of_group(h) * kTileChannels + first;
  const int64_t group_out = h.out_channels / h.groups;
  SpgemmF32Args args{};
  args.channels = static_cast<size_t>(std::min(end * kTileChannels, group_out) - first);
  args.block_channels = h.block_channels;
  args.begin = packed.block_begin + slot / h.block_channels;
  args.quad = packed.block_quad;
  args.w = packed.weights_f32;
  args.bias = packed.bias_f32 + slot;
  return args;
}

Status check_clamp(const char* op, float lo, float hi) {
  if (lo <= hi) return {};
  return bad_argument(op, "out_min", std::to_string(lo) + " with out_max " + std::to_string(hi), "at most out_max");
}

}  // namespace mobilekernels
