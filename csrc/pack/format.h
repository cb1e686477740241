// The packed weight: a plain block of bytes that every device reads. A header of 64 bytes, then
//   bias   int32 [channels]   input zero point folded in
//   wsum   int32 [channels]   sum of each channel's weights
//   scale  float [channels]   input scale * weight scale / output scale
//   weights
// where `channels` is, group by group, out_channels / groups rounded up to 16 (depthwise: out_channels
// rounded up to 16). Little-endian; the blob starts at a multiple of 4
// bytes and nothing more is promised (16 inside a .pte), so vectors load unaligned.
//
// Weights, dense (format 1): for each group, for each 16 channels, for each quad of k: 16 x 4 int8. k runs over
// (kernel_h, kernel_w, in_channels / groups) flattened, padded with zeros to a multiple of 4.
// Weights, depthwise (format 2): for each 16 channels, for each tap (kernel_h, kernel_w): 16 int8.
// Weights, block sparse (format 3): the channels of the tables are cut into row groups of block_channels (4 or 1), and
// k, as in the dense format, into quads of 4; a block is one row group by one quad, and only blocks with a weight other
// than zero are there:
//   begin    uint32 [row groups + 1]   the blocks of row group r are begin[r] .. begin[r + 1] - 1
//   quad     uint16 [blocks]           which quad of k, ascending within a row group; a 0 more where blocks is odd
//   weights  int8 [blocks][block_channels][4]
// A quad's number is all that says where a block is, so it serves any size of image; k has at most 65535 quads.
// Weights, block sparse in float32 (format 4): there is one table, bias float [channels], then begin and quad as above,
// then
//   weights  float [blocks][4][block_channels], all of them finite
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/status.h"

namespace mobilekernels {

enum class PackedFormat : uint16_t { dense = 1, depthwise = 2, block_sparse = 3, block_sparse_f32 = 4 };

constexpr char kPackedMagic[4] = {'M', 'K', 'P', 'W'};
// The version in which a format appeared, or last changed: what has not changed keeps its bytes, and an older release
// says that it is too old for the rest.
constexpr uint16_t packed_version(PackedFormat format) {
  return format == PackedFormat::block_sparse_f32 ? 3 : format == PackedFormat::block_sparse ? 2 : 1;
}
constexpr bool is_block_sparse(PackedFormat format) {
  return format == PackedFormat::block_sparse || format == PackedFormat::block_sparse_f32;
}
constexpr uint32_t kMaxSparseQuads = 65535;

struct PackedHeader {
  char magic[4];
  uint16_t version;
  PackedFormat format;
  uint32_t out_channels;
  uint32_t in_channels;  // of the whole layer
  uint16_t kernel_h;
  uint16_t kernel_w;
  uint32_t groups;
  uint16_t block_channels;   // 16; block sparse: 4 or 1
  uint16_t block_k;          // dense and block sparse: 4, depthwise: 1
  int32_t input_zero_point;  // what the bias was folded with; float32: 0
  uint64_t nonzeros;
  uint64_t payload_bytes;     // after the header
  uint64_t payload_checksum;  // checksum64 of the payload
  uint32_t blocks;            // block sparse: how many there are; else 0
  uint32_t header_checksum;   // low half of checksum64 of the 60 bytes before
};
static_assert(sizeof(PackedHeader) == 64, "the header is part of the file format");

// Views into a packed weight that has been checked.
struct PackedWeight {
  PackedHeader header;
  size_t channels;      // length of the tables, padding included
  const int32_t* bias;  // int8 only, as are the next three
  const int32_t* wsum;
  const float* scale;
  const int8_t* weights;
  const float* bias_f32;  // float32 only, as is the next
  const float* weights_f32;
  const uint32_t* block_begin;  // block sparse only, as is the next
  const uint16_t* block_quad;
};

// How large the parts are for a header's shape; `fits` is false where they would not fit in memory.
struct PackedSizes {
  bool fits;
  size_t channels;    // of each table
  size_t row_groups;  // block sparse only
  size_t tables;      // bytes of all
  size_t weights;     // bytes
  size_t payload;     // bytes after the header
};
PackedSizes packed_sizes(const PackedHeader& header);

uint64_t checksum64(const void* data, size_t bytes);

// The quads of k, the last one padded; too many rather than a number that wrapped.
uint64_t packed_quads(const PackedHeader& header);

// Checks every field of the header, the size, the payload's checksum and every number of a sparse index, and fills
// `packed`. A format_error names the field.
Status verify_packed(const void* data, size_t bytes, PackedWeight* packed);

// The same for operators: the payload is read once in a blob's life and not once a call. What was found good is
// remembered by address, size and header, so a payload that is changed in place afterwards is not noticed.
Status open_packed(const void* data, size_t bytes, PackedWeight* packed);

// A value_error of `op` where an operator on int8 is given float32 weights, or the other way.
Status check_weight_type(const char* op, const PackedHeader& header, bool f32);

// Every blob is read in full once more: for whoever maps a file where another one lay.
void forget_checked();

}  // namespace mobilekernels
