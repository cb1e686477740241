#include "pack/format.h"

#include <atomic>
#include <cstring>

namespace mobilekernels {
namespace {

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87ull;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Full;

uint64_t rotate_left(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

Status field_error(const char* field, const std::string& given, const std::string& accepted) {
  return format_error(std::string("packed weight: ") + field + ": given " + given + ", accepted " + accepted);
}

Status check_header(const PackedHeader& h, size_t bytes) {
  if (std::memcmp(h.magic, kPackedMagic, sizeof(kPackedMagic)) != 0) {
    return field_error("magic", "other bytes", "'MKPW' (this is not a packed weight)");
  }
  const uint16_t version = packed_version(h.format);
  if (h.version != version) {
    return field_error("version", std::to_string(h.version),
                       std::to_string(version) + " (pack the model again with this release)");
  }
  const uint64_t sum = checksum64(&h, offsetof(PackedHeader, header_checksum));
  if (static_cast<uint32_t>(sum) != h.header_checksum) {
    return field_error("header_checksum", "a sum that does not match the header", "an unchanged header");
  }
  const bool depthwise = h.format == PackedFormat::depthwise;
  const bool sparse = is_block_sparse(h.format);
  if (!depthwise && !sparse && h.format != PackedFormat::dense) {
    return field_error("format", std::to_string(static_cast<int>(h.format)),
                       "1 (dense), 2 (depthwise), 3 (block sparse) or 4 (block sparse in float32)");
  }
  if (h.out_channels == 0) return field_error("out_channels", "0", "at least 1");
  if (h.in_channels == 0) return field_error("in_channels", "0", "at least 1");
  if (h.kernel_h == 0) return field_error("kernel_h", "0", "at least 1");
  if (h.kernel_w == 0) return field_error("kernel_w", "0", "at least 1");
  if (h.groups == 0 || h.out_channels % h.groups != 0 || h.in_channels % h.groups != 0 ||
      (depthwise && h.groups != h.in_channels)) {
    return field_error("groups", std::to_string(h.groups), "a divisor of the channels");
  }
  // Operators tell by the groups which kernels run, before they see the weight.
  if (!depthwise && h.groups > 1 && h.groups == h.in_channels) {
    return field_error("groups", std::to_string(h.groups) + ", one for each channel",
                       "fewer, or depthwise weights (format 2)");
  }
  if (sparse ? h.block_channels != 4 && h.block_channels != 1 : h.block_channels != 16) {
    return field_error("block_channels", std::to_string(h.block_channels), sparse ? "4 or 1" : "16");
  }
  const int block_k = depthwise ? 1 : 4;
  if (h.block_k != block_k) return field_error("block_k", std::to_string(h.block_k), std::to_string(block_k));
  if (h.input_zero_point < -128 || h.input_zero_point > 127) {
    return field_error("input_zero_point", std::to_string(h.input_zero_point), "-128 to 127");
  }
  if (h.format == PackedFormat::block_sparse_f32 && h.input_zero_point != 0) {
    return field_error("input_zero_point", std::to_string(h.input_zero_point), "0 (float32)");
  }
  if (!sparse && h.blocks != 0) return field_error("blocks", std::to_string(h.blocks), "0");
  const PackedSizes sizes = packed_sizes(h);
  if (!sizes.fits) return field_error("out_channels", "sizes that overflow", "a weight that fits in memory");
  if (sparse) {
    const uint64_t quads = packed_quads(h);
    if (quads > kMaxSparseQuads) {
      return field_error("in_channels", std::to_string(quads) + " quads of k",
                         "at most " + std::to_string(kMaxSparseQuads));
    }
    if (h.blocks > sizes.row_groups * quads) {
      return field_error("blocks", std::to_string(h.blocks), "at most " + std::to_string(sizes.row_groups * quads));
    }
  }
  if (h.nonzeros > sizes.weights / (h.format == PackedFormat::block_sparse_f32 ? sizeof(float) : 1))
    return field_error("nonzeros", std::to_string(h.nonzeros), "at most the weights");
  if (h.payload_bytes != sizes.payload) {
    return field_error("payload_bytes", std::to_string(h.payload_bytes), std::to_string(sizes.payload));
  }
  if (bytes != sizeof(PackedHeader) + sizes.payload) {
    return field_error("size", std::to_string(bytes) + " bytes",
                       std::to_string(sizeof(PackedHeader) + sizes.payload) + " bytes (truncated or padded?)");
  }
  return {};
}

// Blobs whose payload was found good, so that its checksum costs one pass in a blob's life and not one a call.
// Direct-mapped and lock-free: a collision only costs another pass.
constexpr size_t kVerifiedSlots = 4096;
std::atomic<uint64_t> verified[kVerifiedSlots];

// Of the whole header: one that was changed since is another blob, and is checked again.
uint64_t identity(const void* data, size_t bytes, const PackedHeader& h) {
  const uint64_t words[3] = {reinterpret_cast<uintptr_t>(data), bytes, checksum64(&h, sizeof(h))};
  const uint64_t id = checksum64(words, sizeof(words));
  return id == 0 ? 1 : id;
}

}  // namespace

uint64_t checksum64(const void* data, size_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint64_t lanes[4] = {kPrime1, kPrime2, ~kPrime1, ~kPrime2};
  size_t i = 0;
  for (; i + 32 <= bytes; i += 32) {
    for (int lane = 0; lane < 4; ++lane) {
      uint64_t word;
      std::memcpy(&word, p + i + 8 * lane, 8);
      lanes[lane] = rotate_left(lanes[lane] ^ (word * kPrime2), 31) * kPrime1;
    }
  }
  uint64_t h = bytes * kPrime1;
  for (const uint64_t lane : lanes) h = rotate_left(h ^ lane, 27) * kPrime1 + kPrime2;
  for (; i < bytes; ++i) h = rotate_left(h ^ (p[i] * kPrime1), 11) * kPrime2;
  h ^= h >> 33;
  h *= kPrime2;
  h ^= h >> 29;
  return h;
}

namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << (sizeof(size_t) > 4 ? 46 : 27);

// a * b, or something above kMostBytes where the product is: nothing wraps.
uint64_t capped_product(uint64_t a, uint64_t b) { return b != 0 && a > kMostBytes / b ? kMostBytes + 1 : a * b; }

size_t begin_bytes(const PackedSizes& sizes) { return (sizes.row_groups + 1) * sizeof(uint32_t); }

// Of a block-sparse weight, in front of the blocks' weights.
size_t index_bytes(const PackedSizes& sizes, uint32_t blocks) {
  return begin_bytes(sizes) + (size_t{blocks} + 1) / 2 * 2 * sizeof(uint16_t);
}

}  // namespace

Status check_weight_type(const char* op, const PackedHeader& header, bool f32) {
  if ((header.format == PackedFormat::block_sparse_f32) == f32) return {};
  return value_error(std::string(op) + ": packed: given " + (f32 ? "int8" : "float32") + " weights, accepted " +
                     (f32 ? "float32" : "int8") + " ones");
}

uint64_t packed_quads(const PackedHeader& h) {
  return (capped_product(h.in_channels / h.groups, uint64_t{h.kernel_h} * h.kernel_w) + 3) / 4;
}

PackedSizes packed_sizes(const PackedHeader& h) {
  PackedSizes sizes{};
  uint64_t channels = 0;
  uint64_t weights = 0;
  if (h.format == PackedFormat::depthwise) {
    channels = (uint64_t{h.out_channels} + 15) / 16 * 16;
    weights = capped_product(channels, uint64_t{h.kernel_h} * h.kernel_w);
  } else {
    const uint64_t per_group = (uint64_t{h.out_channels / h.groups} + 15) / 16 * 16;
    channels = capped_product(per_group, h.groups);
    weights = is_block_sparse(h.format) ? capped_product(h.blocks, uint64_t{h.block_channels} * h.block_k)
                                        : capped_product(capped_product(channels, packed_quads(h)), 4);
  }
  if (channels > kMostBytes || weights > kMostBytes) return sizes;
  sizes.fits = true;
  sizes.channels = static_cast<size_t>(channels);
  const bool f32 = h.format == PackedFormat::block_sparse_f32;
  sizes.tables = sizes.channels * (f32 ? sizeof(float) : 12);
  sizes.weights = static_cast<size_t>(weights) * (f32 ? sizeof(float) : 1);
  sizes.payload = sizes.tables + sizes.weights;
  if (is_block_sparse(h.format)) {
    sizes.row_groups = sizes.channels / h.block_channels;
    sizes.payload += index_bytes(sizes, h.blocks);
  }
  return sizes;
}

namespace {

const unsigned char* payload_of(const void* data) {
  return static_cast<const unsigned char*>(data) + sizeof(PackedHeader);
}

Status read_header(const void* data, size_t bytes, PackedHeader* header) {
  if (data == nullptr || bytes < sizeof(PackedHeader)) {
    return field_error("size", std::to_string(bytes) + " bytes", "at least a header of 64 bytes");
  }
  if (reinterpret_cast<uintptr_t>(data) % alignof(float) != 0) {
    return field_error("address", "one that is no multiple of 4", "a tensor that starts at a multiple of 4 bytes");
  }
  std::memcpy(header, data, sizeof(*header));
  return {};
}

// The views of a blob whose header was checked.
void set_views(const void* data, PackedWeight* packed) {
  const PackedSizes sizes = packed_sizes(packed->header);
  const unsigned char* payload = payload_of(data);
  packed->channels = sizes.channels;
  const unsigned char* weights = payload + sizes.tables;
  packed->block_begin = nullptr;
  packed->block_quad = nullptr;
  if (is_block_sparse(packed->header.format)) {
    packed->block_begin = reinterpret_cast<const uint32_t*>(weights);
    packed->block_quad = reinterpret_cast<const uint16_t*>(weights + begin_bytes(sizes));
    weights += index_bytes(sizes, packed->header.blocks);
  }
  packed->bias = nullptr;
  packed->wsum = nullptr;
  packed->scale = nullptr;
  packed->weights = nullptr;
  packed->bias_f32 = nullptr;
  packed->weights_f32 = nullptr;
  if (packed->header.format == PackedFormat::block_sparse_f32) {
    packed->bias_f32 = reinterpret_cast<const float*>(payload);
    packed->weights_f32 = reinterpret_cast<const float*>(weights);
    return;
  }
  packed->bias = reinterpret_cast<const int32_t*>(payload);
  packed->wsum = reinterpret_cast<const int32_t*>(payload + sizes.channels * 4);
  packed->scale = reinterpret_cast<const float*>(payload + sizes.channels * 8);
  packed->weights = reinterpret_cast<const int8_t*>(weights);
}

// Kernels follow the index without a look at bounds.
Status check_index(const PackedWeight& packed) {
  const uint32_t blocks = packed.header.blocks;
  const uint64_t quads = packed_quads(packed.header);
  const size_t row_groups = packed.channels / packed.header.block_channels;
  const uint32_t* begin = packed.block_begin;
  const auto wrong = [](const char* field, size_t i, uint32_t given, const std::string& accepted) {
    return field_error((std::string(field) + "[" + std::to_string(i) + "]").c_str(), std::to_string(given), accepted);
  };
  if (begin[0] != 0) return wrong("begin", 0, begin[0], "0");
  for (size_t r = 0; r < row_groups; ++r) {
    if (begin[r + 1] < begin[r] || begin[r + 1] > blocks) {
      return wrong("begin", r + 1, begin[r + 1], std::to_string(begin[r]) + " to " + std::to_string(blocks));
    }
    uint32_t least = 0;
    for (size_t i = begin[r]; i < begin[r + 1]; ++i) {
      if (packed.block_quad[i] < least || packed.block_quad[i] >= quads) {
        return wrong("quad", i, packed.block_quad[i],
                     "ascending within a row group and below " + std::to_string(quads));
      }
      least = packed.block_quad[i] + uint32_t{1};
    }
  }
  if (begin[row_groups] != blocks) {
    return wrong("begin", row_groups, begin[row_groups], std::to_string(blocks) + ", the number of blocks");
  }
  if (blocks % 2 == 1 && packed.block_quad[blocks] != 0) {
    return wrong("quad", blocks, packed.block_quad[blocks], "0 (padding)");
  }
  return {};
}

// Sets the views as soon as the header is known to be good.
Status check_all(const void* data, size_t bytes, PackedWeight* packed) {
  const PackedHeader& header = packed->header;
  MOBILEKERNELS_RETURN_IF_ERROR(check_header(header, bytes));
  if (checksum64(payload_of(data), bytes - sizeof(header)) != header.payload_checksum) {
    return field_error("payload_checksum", "a sum that does not match the payload", "an unchanged payload");
  }
  set_views(data, packed);
  return is_block_sparse(header.format) ? check_index(*packed) : Status();
}

}  // namespace

Status verify_packed(const void* data, size_t bytes, PackedWeight* packed) {
  MOBILEKERNELS_RETURN_IF_ERROR(read_header(data, bytes, &packed->header));
  return check_all(data, bytes, packed);
}

Status open_packed(const void* data, size_t bytes, PackedWeight* packed) {
  MOBILEKERNELS_RETURN_IF_ERROR(read_header(data, bytes, &packed->header));
  const uint64_t id = identity(data, bytes, packed->header);
  std::atomic<uint64_t>& slot = verified[id % kVerifiedSlots];
  if (slot.load(std::memory_order_acquire) == id) {
    set_views(data, packed);
    return {};
  }
  MOBILEKERNELS_RETURN_IF_ERROR(check_all(data, bytes, packed));
  slot.store(id, std::memory_order_release);
  return {};
}

void forget_checked() {
  for (std::atomic<uint64_t>& slot : verified) slot.store(0, std::memory_order_release);
}

}  // namespace mobilekernels
