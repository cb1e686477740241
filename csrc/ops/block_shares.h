// How threads share a block-sparse weight: by its blocks, in whole tiles of 16 channels.
#pragma once

#include <cstdint>

#include "pack/format.h"

namespace mobilekernels {

// How much work comes before tile `tile`: its blocks, and something for the end of each channel.
int64_t work_before(const PackedWeight& packed, int64_t tile);

// The first of `tiles` tiles that has at least `part` of `parts` of the work before it.
int64_t tile_at(const PackedWeight& packed, int64_t tiles, int64_t part, int64_t parts);

}  // namespace mobilekernels
