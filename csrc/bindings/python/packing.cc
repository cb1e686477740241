#include <pybind11/stl.h>

#include <optional>
#include <tuple>
#include <vector>

#include "bindings/python/arrays.h"
#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"
#include "pack/pack.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kPack = "pack_weights";
constexpr const char* kUnpack = "unpack_weights";
constexpr const char* kPackF32 = "pack_weights_f32";
constexpr const char* kUnpackF32 = "unpack_weights_f32";

template <typename T>
py::array_t<T> to_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
  py::array_t<T> array(std::move(shape));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

using BlockTuple = std::tuple<int64_t, int64_t>;  // channels by k

int64_t block_channels(const char* function, const std::optional<BlockTuple>& block) {
  if (!block.has_value()) return 0;
  const auto [channels, k] = *block;
  require(k == 4 && (channels == 4 || channels == 1), function, "block",
          "(" + std::to_string(channels) + ", " + std::to_string(k) + ")", "(4, 4), (1, 4) or None");
  return channels;
}

// [out_channels, in_channels / groups, kernel_h, kernel_w]
template <typename T, typename Args>
void read_weights(const char* function, const py::array& weights, int64_t groups,
                  const std::optional<BlockTuple>& block, Args* args) {
  args->weights = input<T>(function, "weights", weights, 4);
  args->out_channels = weights.shape(0);
  args->in_channels = weights.shape(1) * groups;
  args->kernel_h = weights.shape(2);
  args->kernel_w = weights.shape(3);
  args->groups = groups;
  args->block_channels = block_channels(function, block);
}

// A value for each output channel.
template <typename T>
const T* of_channels(const char* function, const char* argument, const py::array& values, int64_t channels) {
  const T* data = input<T>(function, argument, values, 1);
  require(values.shape(0) == channels, function, argument, "shape " + shape_text(values),
          "[" + std::to_string(channels) + "]");
  return data;
}

py::array_t<int8_t> pack(const py::array& weights, const std::optional<py::array>& bias, const py::array& scale,
                         int64_t groups, int64_t input_zero_point, const std::optional<BlockTuple>& block) {
  PackArgs args{};
  read_weights<int8_t>(kPack, weights, groups, block, &args);
  args.input_zero_point = input_zero_point;
  args.scale = of_channels<float>(kPack, "scale", scale, args.out_channels);
  if (bias.has_value()) args.bias = of_channels<int32_t>(kPack, "bias", *bias, args.out_channels);
  std::vector<int8_t> packed;
  check(pack_weights(args, &packed));
  return to_array(packed, {static_cast<py::ssize_t>(packed.size())});
}

py::array_t<int8_t> pack_f32(const py::array& weights, const std::optional<py::array>& bias, int64_t groups,
                             const BlockTuple& block) {
  PackF32Args args{};
  read_weights<float>(kPackF32, weights, groups, block, &args);
  if (bias.has_value()) args.bias = of_channels<float>(kPackF32, "bias", *bias, args.out_channels);
  std::vector<int8_t> packed;
  check(pack_weights_f32(args, &packed));
  return to_array(packed, {static_cast<py::ssize_t>(packed.size())});
}

// Whoever looks at a weight wants to know of damage done since an operator found it good.
PackedWeight open_afresh(const char* function, const py::array& packed) {
  PackedWeight view{};
  check(verify_packed(input<int8_t>(function, "packed", packed, 1), static_cast<size_t>(packed.size()), &view));
  return view;
}

const char* format_name(PackedFormat format) {
  switch (format) {
    case PackedFormat::dense:
      return "dense";
    case PackedFormat::depthwise:
      return "depthwise";
    case PackedFormat::block_sparse:
      return "block_sparse";
    case PackedFormat::block_sparse_f32:
      return "block_sparse_f32";
  }
  return "unknown";
}

py::dict header(const py::array& packed) {
  const PackedHeader h = open_afresh("read_header", packed).header;
  py::dict fields;
  fields["version"] = h.version;
  fields["format"] = format_name(h.format);
  fields["out_channels"] = h.out_channels;
  fields["in_channels"] = h.in_channels;
  fields["kernel_size"] = py::make_tuple(h.kernel_h, h.kernel_w);
  fields["groups"] = h.groups;
  fields["block_channels"] = h.block_channels;
  fields["block_k"] = h.block_k;
  fields["input_zero_point"] = h.input_zero_point;
  fields["nonzeros"] = h.nonzeros;
  fields["blocks"] = h.blocks;
  fields["payload_bytes"] = h.payload_bytes;
  fields["payload_checksum"] = h.payload_checksum;
  return fields;
}

// Where a channel lies in the tables, which are padded group by group, but for depthwise ones (pack/format.h).
size_t table_slot(const PackedHeader& h, size_t channel) {
  const size_t group_channels = h.format == PackedFormat::depthwise ? h.out_channels : h.out_channels / h.groups;
  const size_t padded = (group_channels + kPanelChannels - 1) / kPanelChannels * kPanelChannels;
  return channel / group_channels * padded + channel % group_channels;
}

std::vector<py::ssize_t> weight_shape(const PackedHeader& h) {
  return {static_cast<py::ssize_t>(h.out_channels), static_cast<py::ssize_t>(h.in_channels / h.groups),
          static_cast<py::ssize_t>(h.kernel_h), static_cast<py::ssize_t>(h.kernel_w)};
}

// (weights [O, I/g, kh, kw], bias)
py::tuple unpack_f32(const py::array& packed) {
  const PackedWeight view = open_afresh(kUnpackF32, packed);
  const PackedHeader& h = view.header;
  std::vector<float> weights, bias(h.out_channels);
  check(unpack_weights_f32(packed.data(), static_cast<size_t>(packed.size()), &weights));
  for (size_t channel = 0; channel < h.out_channels; ++channel) bias[channel] = view.bias_f32[table_slot(h, channel)];
  return py::make_tuple(to_array(weights, weight_shape(h)), to_array(bias, {static_cast<py::ssize_t>(h.out_channels)}));
}

// (weights [O, I/g, kh, kw], bias with the zero point folded in, sums of the weights, scales), in channel order.
py::tuple unpack(const py::array& packed) {
  const PackedWeight view = open_afresh(kUnpack, packed);
  const PackedHeader& h = view.header;
  std::vector<int8_t> weights;
  check(unpack_weights(packed.data(), static_cast<size_t>(packed.size()), &weights));
  std::vector<int32_t> bias(h.out_channels);
  std::vector<int32_t> sums(h.out_channels);
  std::vector<float> scale(h.out_channels);
  for (size_t channel = 0; channel < h.out_channels; ++channel) {
    const size_t slot = table_slot(h, channel);
    bias[channel] = view.bias[slot];
    sums[channel] = view.wsum[slot];
    scale[channel] = view.scale[slot];
  }
  const auto channels = static_cast<py::ssize_t>(h.out_channels);
  return py::make_tuple(to_array(weights, weight_shape(h)), to_array(bias, {channels}), to_array(sums, {channels}),
                        to_array(scale, {channels}));
}

}  // namespace

void bind_packing(py::module_& module) {
  module.def("pack_weights", &pack, py::arg("weights"), py::arg("bias"), py::arg("scale"), py::arg("groups"),
             py::arg("input_zero_point"), py::arg("block") = py::none(),
             "int8 [O, I/g, kh, kw], int32 [O] or None, float32 [O] -> int8 [bytes] (csrc/pack/format.h); block is "
             "(4, 4) or (1, 4), channels by k, for block-sparse weights");
  module.def(
      "unpack_weights", &unpack, py::arg("packed"),
      "int8 [bytes] -> (int8 [O, I/g, kh, kw], int32 [O] folded bias, int32 [O] weight sums, float32 [O] scale)");
  module.def("pack_weights_f32", &pack_f32, py::arg("weights"), py::arg("bias"), py::arg("groups"), py::arg("block"),
             "float32 [O, I/g, kh, kw], float32 [O] or None -> int8 [bytes], block-sparse (csrc/pack/format.h)");
  module.def("unpack_weights_f32", &unpack_f32, py::arg("packed"),
             "int8 [bytes] -> (float32 [O, I/g, kh, kw], float32 [O] bias)");
  module.def("read_header", &header, py::arg("packed"), "checks a packed weight and tells its header");
  module.def(
      "checksum64",
      [](const py::bytes& data) {
        const std::string_view view = data;
        return checksum64(view.data(), view.size());
      },
      py::arg("data"), "the checksum of the packed format");
}

}  // namespace mobilekernels::python_face
