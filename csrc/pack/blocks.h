// The blocks of a block-sparse weight (pack/format.h): found in plain weights, written behind the tables, and put back.
// T is int8_t or float.
#pragma once

#include <cstdint>
#include <vector>

#include "pack/format.h"

namespace mobilekernels {

template <typename T>
struct Blocks {
  std::vector<uint32_t> begin;  // [row groups + 1]
  std::vector<uint16_t> quad;   // [blocks]
  std::vector<T> weights;       // [blocks][block_channels][4]; of floats [blocks][4][block_channels]
};

// The blocks of `weights` [out_channels][in_channels / groups][kernel_h][kernel_w] that are not all zero; of `header`
// the shape and the block are read. There are at most kMaxSparseQuads quads.
template <typename T>
Blocks<T> collect_blocks(const T* weights, const PackedHeader& header);

// Index and weights, in the order of the format.
template <typename T>
void write_blocks(const Blocks<T>& blocks, int8_t* to);

// The other way: plain weights, zeros where there is no block. `blocks` are the packed weights.
template <typename T>
void scatter_blocks(const PackedWeight& packed, const T* blocks, std::vector<T>* weights);

}  // namespace mobilekernels
