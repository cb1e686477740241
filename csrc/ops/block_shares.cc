#include "ops/block_shares.h"

#include "kernels/gemm/gemm.h"

namespace mobilekernels {

int64_t work_before(const PackedWeight& packed, int64_t tile) {
  constexpr int64_t kEnd = 4;  // blocks of a row group that take about as long
  const int64_t row_group = tile * static_cast<int64_t>(kPanelChannels) / packed.header.block_channels;
  return packed.block_begin[row_group] + kEnd * row_group;
}

int64_t tile_at(const PackedWeight& packed, int64_t tiles, int64_t part, int64_t parts) {
  const int64_t wanted = work_before(packed, tiles) * part / parts;
  int64_t low = 0, high = tiles;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (work_before(packed, middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace mobilekernels
