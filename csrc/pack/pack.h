// Weight packers: from plain weights to the packed form of pack/format.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pack/format.h"

namespace mobilekernels {

struct PackArgs {
  const int8_t* weights;  // [out_channels][in_channels / groups][kernel_h][kernel_w], none of them -128
  const int32_t* bias;    // [out_channels], in units of input scale * weight scale; null: zeros
  const float* scale;     // [out_channels], finite and > 0: input scale * weight scale / output scale
  int64_t out_channels;
  int64_t in_channels;
  int64_t kernel_h;
  int64_t kernel_w;
  int64_t groups;
  int64_t input_zero_point;    // folded into the bias: bias[c] - zero_point * sum(w[c])
  int64_t block_channels = 0;  // 4 or 1: block sparse, zeros left out in blocks of so many channels by 4 k; 0: not
};

struct PackF32Args {
  const float* weights;  // [out_channels][in_channels / groups][kernel_h][kernel_w], finite
  const float* bias;     // [out_channels], of any value; null: zeros
  int64_t out_channels;
  int64_t in_channels;
  int64_t kernel_h;
  int64_t kernel_w;
  int64_t groups;
  int64_t block_channels;  // 4 or 1
};

// groups == in_channels (any multiplier) packs depthwise, block_channels block sparse, everything else dense. Linear is
// a 1x1 kernel.
// value_error names the argument: a -128 weight, a scale that is not finite and positive, a bias that
// leaves int32 once the zero point is folded in, sizes that do not fit together, blocks of another size, of a depthwise
// weight or of more than 65535 quads of k.
Status pack_weights(const PackArgs& args, std::vector<int8_t>* packed);

// Block sparse in float32. value_error as above, and where a weight is not finite.
Status pack_weights_f32(const PackF32Args& args, std::vector<int8_t>* packed);

// The other way: weights back in [out_channels][in_channels / groups][kernel_h][kernel_w].
Status unpack_weights(const void* packed, size_t bytes, std::vector<int8_t>* weights);
Status unpack_weights_f32(const void* packed, size_t bytes, std::vector<float>* weights);

}  // namespace mobilekernels
