// The blocks of a block-sparse weight (pack/format.h): found in plain weights, written behind the tables, and put back.
#pragma once

#include <cstdint>
#include <vector>

#include "pack/format.h"

namespace mobilekernels {

struct Blocks {
  std::vector<uint32_t> begin;  // [row groups + 1]
  std::vector<uint16_t> quad;   // [blocks]
  std::vector<int8_t> weights;  // [blocks][block_channels][4]
};

// The blocks of `weights` [out_channels][in_channels / groups][kernel_h][kernel_w] that are not all zero; of `header`
// the shape and the block are read. There are at most kMaxSparseQuads quads.
Blocks collect_blocks(const int8_t* weights, const PackedHeader& header);

// Index and weights, in the order of the format.
void write_blocks(const Blocks& blocks, int8_t* to);

// The other way: plain weights, zeros where there is no block.
void scatter_blocks(const PackedWeight& packed, std::vector<int8_t>* weights);

}  // namespace mobilekernels
