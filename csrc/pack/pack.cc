#include "pack/pack.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "pack/blocks.h"

namespace mobilekernels {
namespace {

constexpr const char* kPack = "pack_weights";
constexpr const char* kPackF32 = "pack_weights_f32";

Status argument_error(const char* op, const char* argument, const std::string& given, const std::string& accepted) {
  return value_error(std::string(op) + ": " + argument + ": given " + given + ", accepted " + accepted);
}

// Of PackArgs or PackF32Args, as below.
template <typename Args>
Status check_sizes(const char* op, const Args& a) {
  const auto out_of_range = [](int64_t value, int64_t most) { return value < 1 || value > most; };
  if (out_of_range(a.out_channels, std::numeric_limits<uint32_t>::max())) {
    return argument_error(op, "out_channels", std::to_string(a.out_channels), "1 to 2^32 - 1");
  }
  if (out_of_range(a.in_channels, std::numeric_limits<uint32_t>::max())) {
    return argument_error(op, "in_channels", std::to_string(a.in_channels), "1 to 2^32 - 1");
  }
  if (out_of_range(a.kernel_h, 65535)) return argument_error(op, "kernel_h", std::to_string(a.kernel_h), "1 to 65535");
  if (out_of_range(a.kernel_w, 65535)) return argument_error(op, "kernel_w", std::to_string(a.kernel_w), "1 to 65535");
  if (a.groups < 1 || a.out_channels % a.groups != 0 || a.in_channels % a.groups != 0) {
    return argument_error(op, "groups", std::to_string(a.groups),
                          "a divisor of " + std::to_string(a.in_channels) + " input and " +
                              std::to_string(a.out_channels) + " output channels");
  }
  if (a.block_channels != 0 && a.block_channels != 1 && a.block_channels != 4) {
    return argument_error(op, "block", std::to_string(a.block_channels) + " channels by 4",
                          "4 or 1 channels by 4, or none");
  }
  return {};
}

template <typename Args>
bool is_depthwise(const Args& a) {
  return a.groups == a.in_channels && a.groups > 1;
}

PackedFormat format_of(const PackArgs& a) {
  if (is_depthwise(a)) return PackedFormat::depthwise;
  return a.block_channels == 0 ? PackedFormat::dense : PackedFormat::block_sparse;
}

// All but the input zero point, nonzeros, blocks, the payload's size and checksums.
template <typename Args>
PackedHeader shape_header(const Args& a, PackedFormat format) {
  PackedHeader h{};
  std::memcpy(h.magic, kPackedMagic, sizeof(h.magic));
  h.format = format;
  h.version = packed_version(h.format);
  h.out_channels = static_cast<uint32_t>(a.out_channels);
  h.in_channels = static_cast<uint32_t>(a.in_channels);
  h.kernel_h = static_cast<uint16_t>(a.kernel_h);
  h.kernel_w = static_cast<uint16_t>(a.kernel_w);
  h.groups = static_cast<uint32_t>(a.groups);
  h.block_channels = is_block_sparse(format) ? static_cast<uint16_t>(a.block_channels) : 16;
  h.block_k = format == PackedFormat::depthwise ? 1 : 4;
  return h;
}

// Finds the blocks, and puts their number into the header.
template <typename Args, typename T>
Status make_blocks(const char* op, const Args& a, const T* weights, PackedHeader* header, Blocks<T>* blocks) {
  PackedHeader& h = *header;
  if (is_depthwise(a)) {
    return argument_error(op, "block", std::to_string(a.block_channels) + " channels by 4 for a depthwise weight",
                          "none");
  }
  const uint64_t quads = packed_quads(h);
  if (quads > kMaxSparseQuads) {
    return argument_error(op, "block", "one for a weight of " + std::to_string(quads) + " quads of k",
                          "none, or at most " + std::to_string(kMaxSparseQuads) + " quads");
  }
  *blocks = collect_blocks(weights, h);
  if (blocks->quad.size() > std::numeric_limits<uint32_t>::max()) {
    return argument_error(op, "block", "one for " + std::to_string(blocks->quad.size()) + " blocks",
                          "none, or fewer blocks");
  }
  h.blocks = static_cast<uint32_t>(blocks->quad.size());
  return {};
}

// Where a weight of the two formats without an index goes; both packing and unpacking walk the weights through it.
struct Layout {
  PackedHeader header;
  int64_t taps, group_in, group_out, group_channels, quads;

  explicit Layout(const PackedHeader& h) : header(h) {
    taps = int64_t{h.kernel_h} * h.kernel_w;
    group_in = h.in_channels / h.groups;
    group_out = h.out_channels / h.groups;
    group_channels = (group_out + 15) / 16 * 16;
    quads = (group_in * taps + 3) / 4;
  }
  bool depthwise() const { return header.format == PackedFormat::depthwise; }
  // Index into the tables of per-channel values.
  int64_t channel(int64_t oc) const { return depthwise() ? oc : oc / group_out * group_channels + oc % group_out; }
  // Byte of the weight (oc, ic within the group, tap).
  int64_t weight(int64_t oc, int64_t ic, int64_t tap) const {
    if (depthwise()) return (oc / 16 * taps + tap) * 16 + oc % 16;
    const int64_t slot = channel(oc);
    const int64_t k = tap * group_in + ic;
    return ((slot / 16 * quads + k / 4) * 16 + slot % 16) * 4 + k % 4;
  }
};

// The header in front of a payload that is there.
void write_header(PackedHeader h, std::vector<int8_t>* packed) {
  h.payload_bytes = packed->size() - sizeof(h);
  h.payload_checksum = checksum64(packed->data() + sizeof(h), static_cast<size_t>(h.payload_bytes));
  h.header_checksum = static_cast<uint32_t>(checksum64(&h, offsetof(PackedHeader, header_checksum)));
  std::memcpy(packed->data(), &h, sizeof(h));
}

}  // namespace

Status pack_weights(const PackArgs& args, std::vector<int8_t>* packed) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_sizes(kPack, args));
  if (args.input_zero_point < -128 || args.input_zero_point > 127) {
    return argument_error(kPack, "input_zero_point", std::to_string(args.input_zero_point), "-128 to 127");
  }
  PackedHeader h = shape_header(args, format_of(args));
  h.input_zero_point = static_cast<int32_t>(args.input_zero_point);
  Blocks<int8_t> blocks;
  if (args.block_channels != 0) {
    MOBILEKERNELS_RETURN_IF_ERROR(make_blocks(kPack, args, args.weights, &h, &blocks));
  }
  const PackedSizes sizes = packed_sizes(h);
  if (!sizes.fits) return argument_error(kPack, "out_channels", "sizes that overflow", "a weight that fits in memory");

  const Layout layout(h);
  std::vector<int32_t> bias(sizes.channels, 0);
  std::vector<int32_t> wsum(sizes.channels, 0);
  std::vector<float> scale(sizes.channels, 1.0f);
  packed->assign(sizeof(h) + sizes.payload, 0);
  int8_t* weights = packed->data() + sizeof(h) + sizes.channels * 12;
  if (args.block_channels != 0) write_blocks(blocks, weights);
  const int8_t* w = args.weights;
  for (int64_t oc = 0; oc < args.out_channels; ++oc) {
    int64_t sum = 0;
    int64_t magnitude = 0;
    for (int64_t ic = 0; ic < layout.group_in; ++ic) {
      for (int64_t tap = 0; tap < layout.taps; ++tap, ++w) {
        if (*w == -128) {
          return argument_error(kPack, "weights", "-128 in output channel " + std::to_string(oc), "-127 to 127");
        }
        if (args.block_channels == 0) weights[layout.weight(oc, ic, tap)] = *w;
        sum += *w;
        magnitude += *w < 0 ? -*w : *w;
        h.nonzeros += *w != 0;
      }
    }
    const int64_t folded = (args.bias == nullptr ? 0 : args.bias[oc]) - args.input_zero_point * sum;
    // No activation can then drive the exact sum out of int32, on any ISA and in any order of addition.
    if ((folded < 0 ? -folded : folded) + 128 * magnitude > std::numeric_limits<int32_t>::max()) {
      return argument_error(kPack, "bias",
                            std::to_string(folded) + " (zero point folded in) in output channel " + std::to_string(oc) +
                                " whose weights sum up to " + std::to_string(magnitude),
                            "|bias| + 128 * sum(|weights|) below 2^31, so that the accumulator cannot overflow");
    }
    if (!std::isfinite(args.scale[oc]) || !(args.scale[oc] > 0)) {
      return argument_error(kPack, "scale", std::to_string(args.scale[oc]) + " in output channel " + std::to_string(oc),
                            "finite and > 0");
    }
    const int64_t slot = layout.channel(oc);
    bias[slot] = static_cast<int32_t>(folded);
    wsum[slot] = static_cast<int32_t>(sum);
    scale[slot] = args.scale[oc];
  }
  int8_t* payload = packed->data() + sizeof(h);
  std::memcpy(payload, bias.data(), sizes.channels * 4);
  std::memcpy(payload + sizes.channels * 4, wsum.data(), sizes.channels * 4);
  std::memcpy(payload + sizes.channels * 8, scale.data(), sizes.channels * 4);
  write_header(h, packed);
  return {};
}

Status pack_weights_f32(const PackF32Args& args, std::vector<int8_t>* packed) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_sizes(kPackF32, args));
  if (args.block_channels == 0) return argument_error(kPackF32, "block", "none", "4 or 1 channels by 4");
  PackedHeader h = shape_header(args, PackedFormat::block_sparse_f32);
  const int64_t channel_weights = args.in_channels / args.groups * args.kernel_h * args.kernel_w;
  for (int64_t i = 0; i < args.out_channels * channel_weights; ++i) {
    if (!std::isfinite(args.weights[i])) {
      return argument_error(
          kPackF32, "weights",
          std::to_string(args.weights[i]) + " in output channel " + std::to_string(i / channel_weights),
          "finite numbers");
    }
    h.nonzeros += args.weights[i] != 0;
  }
  Blocks<float> blocks;
  MOBILEKERNELS_RETURN_IF_ERROR(make_blocks(kPackF32, args, args.weights, &h, &blocks));
  const PackedSizes sizes = packed_sizes(h);
  if (!sizes.fits)
    return argument_error(kPackF32, "out_channels", "sizes that overflow", "a weight that fits in memory");
  packed->assign(sizeof(h) + sizes.payload, 0);
  int8_t* payload = packed->data() + sizeof(h);
  if (args.bias != nullptr) {
    const Layout layout(h);
    std::vector<float> bias(sizes.channels, 0.0f);
    for (int64_t oc = 0; oc < args.out_channels; ++oc) bias[layout.channel(oc)] = args.bias[oc];
    std::memcpy(payload, bias.data(), sizes.tables);
  }
  write_blocks(blocks, payload + sizes.tables);
  write_header(h, packed);
  return {};
}

Status unpack_weights(const void* packed, size_t bytes, std::vector<int8_t>* weights) {
  PackedWeight view;
  MOBILEKERNELS_RETURN_IF_ERROR(verify_packed(packed, bytes, &view));
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type("unpack_weights", view.header, false));
  const Layout layout(view.header);
  if (view.header.format == PackedFormat::block_sparse) {
    scatter_blocks(view, view.weights, weights);
    return {};
  }
  weights->clear();
  weights->reserve(static_cast<size_t>(view.header.out_channels * layout.group_in * layout.taps));
  for (int64_t oc = 0; oc < view.header.out_channels; ++oc) {
    for (int64_t ic = 0; ic < layout.group_in; ++ic) {
      for (int64_t tap = 0; tap < layout.taps; ++tap) weights->push_back(view.weights[layout.weight(oc, ic, tap)]);
    }
  }
  return {};
}

Status unpack_weights_f32(const void* packed, size_t bytes, std::vector<float>* weights) {
  PackedWeight view;
  MOBILEKERNELS_RETURN_IF_ERROR(verify_packed(packed, bytes, &view));
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type("unpack_weights_f32", view.header, true));
  scatter_blocks(view, view.weights_f32, weights);
  return {};
}

}  // namespace mobilekernels
