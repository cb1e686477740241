#include "pack/blocks.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace mobilekernels {
namespace {

constexpr size_t kBlockK = 4;

// Where a weight lies in its block.
template <typename T>
size_t in_block(size_t channel, size_t k, size_t channels) {
  return std::is_same_v<T, float> ? k * channels + channel : channel * kBlockK + k;
}

// Walks channels and k of the format over plain weights.
class PlainWeights {
 public:
  explicit PlainWeights(const PackedHeader& h)
      : taps_(size_t{h.kernel_h} * h.kernel_w),
        group_in_(h.in_channels / h.groups),
        group_out_(h.out_channels / h.groups),
        group_slots_((group_out_ + 15) / 16 * 16),
        groups_(h.groups) {}

  size_t slots() const { return groups_ * group_slots_; }
  size_t size() const { return groups_ * group_out_ * k(); }
  size_t quads() const { return (k() + kBlockK - 1) / kBlockK; }

  // at(channel, k, position) of each real weight in the block of `channels` slots from `slot` on by quad `quad`.
  template <typename At>
  void for_block(size_t slot, size_t channels, size_t quad, const At& at) const {
    const size_t last = std::min(kBlockK, k() - quad * kBlockK);
    for (size_t c = 0; c < channels; ++c) {
      const size_t in_group = (slot + c) % group_slots_;
      if (in_group >= group_out_) continue;
      const size_t channel = (slot + c) / group_slots_ * group_out_ + in_group;
      for (size_t i = 0; i < last; ++i) {
        const size_t position = quad * kBlockK + i;
        const size_t tap = position / group_in_, input = position % group_in_;
        at(c, i, (channel * group_in_ + input) * taps_ + tap);
      }
    }
  }

 private:
  size_t k() const { return taps_ * group_in_; }

  size_t taps_, group_in_, group_out_, group_slots_, groups_;
};

}  // namespace

template <typename T>
Blocks<T> collect_blocks(const T* weights, const PackedHeader& h) {
  const PlainWeights plain(h);
  const size_t channels = h.block_channels;
  Blocks<T> blocks;
  blocks.begin.push_back(0);
  std::vector<T> block(channels * kBlockK);
  for (size_t slot = 0; slot < plain.slots(); slot += channels) {
    for (size_t quad = 0; quad < plain.quads(); ++quad) {
      std::fill(block.begin(), block.end(), T{0});
      bool any = false;
      plain.for_block(slot, channels, quad, [&](size_t c, size_t k, size_t from) {
        block[in_block<T>(c, k, channels)] = weights[from];
        any |= weights[from] != 0;
      });
      if (!any) continue;
      blocks.quad.push_back(static_cast<uint16_t>(quad));
      blocks.weights.insert(blocks.weights.end(), block.begin(), block.end());
    }
    blocks.begin.push_back(static_cast<uint32_t>(blocks.quad.size()));
  }
  return blocks;
}

template <typename T>
void write_blocks(const Blocks<T>& blocks, int8_t* to) {
  const auto write = [&to](const auto& values) {
    const size_t bytes = values.size() * sizeof(values[0]);
    if (bytes > 0) std::memcpy(to, values.data(), bytes);
    to += bytes;
  };
  write(blocks.begin);
  write(blocks.quad);
  if (blocks.quad.size() % 2 == 1) to += sizeof(uint16_t);
  write(blocks.weights);
}

template <typename T>
void scatter_blocks(const PackedWeight& packed, const T* blocks, std::vector<T>* weights) {
  const PlainWeights plain(packed.header);
  const size_t channels = packed.header.block_channels;
  weights->assign(plain.size(), 0);
  for (size_t row = 0; row < packed.channels / channels; ++row) {
    for (size_t b = packed.block_begin[row]; b < packed.block_begin[row + 1]; ++b) {
      const T* block = blocks + b * channels * kBlockK;
      plain.for_block(row * channels, channels, packed.block_quad[b],
                      [&](size_t c, size_t k, size_t to) { (*weights)[to] = block[in_block<T>(c, k, channels)]; });
    }
  }
}

template Blocks<int8_t> collect_blocks(const int8_t*, const PackedHeader&);
template Blocks<float> collect_blocks(const float*, const PackedHeader&);
template void write_blocks(const Blocks<int8_t>&, int8_t*);
template void write_blocks(const Blocks<float>&, int8_t*);
template void scatter_blocks(const PackedWeight&, const int8_t*, std::vector<int8_t>*);
template void scatter_blocks(const PackedWeight&, const float*, std::vector<float>*);

}  // namespace mobilekernels
