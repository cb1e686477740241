// The packed weight: round trips, and every way it can be wrong.
#include "pack/pack.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "testing.h"

namespace {

using namespace mobilekernels;
using testing::Random;

struct Layer {
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  std::vector<float> scale;
  PackArgs args{};

  Layer(Random& random, int64_t out, int64_t in, int64_t kh, int64_t kw, int64_t groups)
      : weights(static_cast<size_t>(out * (in / groups) * kh * kw)) {
    for (int8_t& w : weights) w = static_cast<int8_t>(random.integer(-127, 127));
    bias.assign(static_cast<size_t>(out), 7);
    scale.assign(static_cast<size_t>(out), 0.25f);
    args = {weights.data(), bias.data(), scale.data(), out, in, kh, kw, groups, 3};
  }
};

std::vector<int8_t> packed_layer() {
  Random random(1);
  Layer layer(random, 20, 6, 3, 3, 1);
  std::vector<int8_t> packed;
  EXPECT_OK(pack_weights(layer.args, &packed));
  return packed;
}

TEST(weights_come_back) {
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    const int64_t groups = random.integer(1, 4);
    Layer layer(random, groups * random.integer(1, 20), groups * random.integer(1, 7), random.integer(1, 4),
                random.integer(1, 4), groups);
    std::vector<int8_t> packed;
    std::vector<int8_t> weights;
    EXPECT_OK(pack_weights(layer.args, &packed));
    EXPECT_OK(unpack_weights(packed.data(), packed.size(), &weights));
    EXPECT(weights == layer.weights);
  }
}

std::vector<int8_t> packed_blocks(Random& random, int64_t block_channels) {
  Layer layer(random, 20, 6, 3, 3, 1);
  for (int8_t& w : layer.weights) {
    if (random.integer(0, 9) > 0) w = 0;
  }
  layer.args.block_channels = block_channels;
  std::vector<int8_t> packed, weights;
  EXPECT_OK(pack_weights(layer.args, &packed));
  EXPECT_OK(unpack_weights(packed.data(), packed.size(), &weights));
  EXPECT(weights == layer.weights);
  return packed;
}

TEST(block_sparse_weights_come_back) {
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const int64_t groups = random.integer(1, 4);
    Layer layer(random, groups * random.integer(1, 20), groups * random.integer(2, 7), random.integer(1, 4),
                random.integer(1, 4), groups);
    for (int8_t& w : layer.weights) {
      if (random.integer(0, 7) > 0) w = 0;
    }
    layer.args.block_channels = random.pick<int64_t>({1, 4});
    std::vector<int8_t> packed, weights;
    EXPECT_OK(pack_weights(layer.args, &packed));
    EXPECT_OK(unpack_weights(packed.data(), packed.size(), &weights));
    EXPECT(weights == layer.weights);
  }
}

// Every byte of an index that lies while all checksums are right: refused, or still one that stays inside the panels.
TEST(a_wrong_index_is_named) {
  Random random(6);
  for (const int64_t block_channels : {1, 4}) {
    const std::vector<int8_t> good = packed_blocks(random, block_channels);
    PackedWeight view;
    EXPECT_OK(open_packed(good.data(), good.size(), &view));
    const auto* blob = good.data();
    const auto first = static_cast<size_t>(reinterpret_cast<const int8_t*>(view.block_begin) - blob);
    const auto quads = static_cast<size_t>(reinterpret_cast<const int8_t*>(view.block_quad) - blob);
    const auto weights = static_cast<size_t>(view.weights - blob);
    size_t refused = 0;
    for (size_t i = first; i < weights; ++i) {
      std::vector<int8_t> bad = good;
      bad[i] = static_cast<int8_t>(bad[i] ^ 0x41);
      PackedHeader h;
      std::memcpy(&h, bad.data(), sizeof(h));
      h.payload_checksum = checksum64(bad.data() + sizeof(h), bad.size() - sizeof(h));
      h.header_checksum = static_cast<uint32_t>(checksum64(&h, offsetof(PackedHeader, header_checksum)));
      std::memcpy(bad.data(), &h, sizeof(h));
      PackedWeight other;
      const Status status = open_packed(bad.data(), bad.size(), &other);
      if (!status.ok()) {
        ++refused;
        EXPECT(status.code == StatusCode::format_error);
        EXPECT(status.message.rfind("packed weight: begin[", 0) == 0 ||
               status.message.rfind("packed weight: quad[", 0) == 0);
        if (i >= quads) EXPECT(status.message.rfind("packed weight: quad[", 0) == 0);
        continue;
      }
      for (size_t b = 0; b < other.header.blocks; ++b) EXPECT(other.block_quad[b] < packed_quads(other.header));
      EXPECT_EQ(other.block_begin[other.channels / static_cast<size_t>(block_channels)], other.header.blocks);
    }
    EXPECT(refused > (weights - first) * 9 / 10);
  }
}

TEST(every_flipped_byte_of_blocks_is_refused) {
  Random random(7);
  const std::vector<int8_t> good = packed_blocks(random, 4);
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<int8_t> bad = good;
    bad[i] = static_cast<int8_t>(bad[i] ^ 0x10);
    PackedWeight view;
    EXPECT(open_packed(bad.data(), bad.size(), &view).code == StatusCode::format_error);
  }
}

TEST(wrong_fields_of_blocks_are_named) {
  const auto open_with = [](auto change) {
    Random random(8);
    std::vector<int8_t> bad = packed_blocks(random, 4);
    PackedHeader h;
    std::memcpy(&h, bad.data(), sizeof(h));
    change(h);
    h.header_checksum = static_cast<uint32_t>(checksum64(&h, offsetof(PackedHeader, header_checksum)));
    std::memcpy(bad.data(), &h, sizeof(h));
    PackedWeight view;
    const Status status = open_packed(bad.data(), bad.size(), &view);
    EXPECT(status.code == StatusCode::format_error);
    return status.message.substr(0, status.message.find(": given"));
  };
  EXPECT_EQ(open_with([](PackedHeader& h) { h.version = 1; }), "packed weight: version");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 16; }), "packed weight: block_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 2; }), "packed weight: block_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 1; }), "packed weight: payload_bytes");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_k = 1; }), "packed weight: block_k");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.blocks += 1; }), "packed weight: payload_bytes");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.blocks = 8 * 14 + 1; }), "packed weight: blocks");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.kernel_h = h.kernel_w = 300; }), "packed weight: in_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.groups = h.in_channels = h.out_channels = 4; }), "packed weight: groups");
}

// Float32 weights of the same kinds: random ones, of which few blocks are not zero.
struct FloatLayer {
  std::vector<float> weights, bias;
  PackF32Args args{};

  FloatLayer(Random& random, int64_t out, int64_t in, int64_t kh, int64_t kw, int64_t groups, int64_t block_channels)
      : weights(static_cast<size_t>(out * (in / groups) * kh * kw)), bias(static_cast<size_t>(out), -0.5f) {
    for (float& w : weights) w = random.integer(0, 7) > 0 ? random.pick({0.0f, -0.0f}) : random.real(-1, 1);
    args = {weights.data(), bias.data(), out, in, kh, kw, groups, block_channels};
  }
};

TEST(float_weights_come_back) {
  Random random(9);
  for (int i = 0; i < 100; ++i) {
    const int64_t groups = random.integer(1, 4);
    FloatLayer layer(random, groups * random.integer(1, 20), groups * random.integer(2, 7), random.integer(1, 4),
                     random.integer(1, 4), groups, random.pick<int64_t>({1, 4}));
    std::vector<int8_t> packed, codes;
    std::vector<float> weights;
    EXPECT_OK(pack_weights_f32(layer.args, &packed));
    EXPECT_OK(unpack_weights_f32(packed.data(), packed.size(), &weights));
    EXPECT(weights == layer.weights);
    EXPECT_ERROR(unpack_weights(packed.data(), packed.size(), &codes), "unpack_weights: packed: given float32 weights");
    PackedWeight view;
    EXPECT_OK(open_packed(packed.data(), packed.size(), &view));
    const auto group_out = static_cast<size_t>(layer.args.out_channels / groups);
    for (size_t slot = 0; slot < view.channels; ++slot) {
      EXPECT_EQ(view.bias_f32[slot], slot % ((group_out + 15) / 16 * 16) < group_out ? -0.5f : 0.0f);
    }
  }
  const std::vector<int8_t> codes = packed_layer();
  std::vector<float> weights;
  EXPECT_ERROR(unpack_weights_f32(codes.data(), codes.size(), &weights), "unpack_weights_f32: packed: given int8");
}

TEST(damaged_float_weights_are_refused) {
  Random random(10);
  FloatLayer layer(random, 20, 6, 3, 3, 1, 4);
  std::vector<int8_t> good;
  EXPECT_OK(pack_weights_f32(layer.args, &good));
  PackedWeight view;
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<int8_t> bad = good;
    bad[i] = static_cast<int8_t>(bad[i] ^ 0x10);
    EXPECT(open_packed(bad.data(), bad.size(), &view).code == StatusCode::format_error);
    testing::Buffer<int8_t> cut(i);
    std::copy_n(good.begin(), i, cut.begin());
    EXPECT(open_packed(cut.data(), i, &view).code == StatusCode::format_error);
  }
  const auto open_with = [&](auto change) {
    std::vector<int8_t> bad = good;
    PackedHeader h;
    std::memcpy(&h, bad.data(), sizeof(h));
    change(h);
    h.header_checksum = static_cast<uint32_t>(checksum64(&h, offsetof(PackedHeader, header_checksum)));
    std::memcpy(bad.data(), &h, sizeof(h));
    const Status status = open_packed(bad.data(), bad.size(), &view);
    EXPECT(status.code == StatusCode::format_error);
    return status.message.substr(0, status.message.find(": given"));
  };
  EXPECT_EQ(open_with([](PackedHeader& h) { h.version = 2; }), "packed weight: version");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.format = PackedFormat::block_sparse; }), "packed weight: version");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 16; }), "packed weight: block_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 1; }), "packed weight: payload_bytes");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_k = 1; }), "packed weight: block_k");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.input_zero_point = 1; }), "packed weight: input_zero_point");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.nonzeros = uint64_t{h.blocks} * 16 + 1; }), "packed weight: nonzeros");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.blocks += 1; }), "packed weight: payload_bytes");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.blocks = 8 * 14 + 1; }), "packed weight: blocks");
}

TEST(bad_float_layers_are_named) {
  Random random(11);
  const auto pack_with = [&](auto change) {
    FloatLayer layer(random, 4, 6, 1, 1, 1, 4);
    change(layer);
    std::vector<int8_t> packed;
    return pack_weights_f32(layer.args, &packed);
  };
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.weights[5] = std::nanf(""); }), "pack_weights_f32: weights: given nan");
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.weights[5] = -std::numeric_limits<float>::infinity(); }),
               "pack_weights_f32: weights: given -inf");
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.args.block_channels = 0; }), "pack_weights_f32: block: given none");
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.args.block_channels = 2; }), "pack_weights_f32: block: given 2");
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.args.groups = 4; }), "pack_weights_f32: groups: given 4");
  EXPECT_ERROR(pack_with([](FloatLayer& l) { l.args.groups = l.args.in_channels = l.args.out_channels; }),
               "pack_weights_f32: block: given 4 channels by 4 for a depthwise weight");
}

TEST(tables_hold_the_folded_bias) {
  Random random(3);
  Layer layer(random, 5, 3, 2, 2, 1);
  std::vector<int8_t> packed;
  EXPECT_OK(pack_weights(layer.args, &packed));
  PackedWeight view;
  EXPECT_OK(open_packed(packed.data(), packed.size(), &view));
  EXPECT_EQ(view.channels, size_t{16});
  for (size_t c = 0; c < 16; ++c) {
    int32_t sum = 0;
    for (size_t i = 0; c < 5 && i < 12; ++i) sum += layer.weights[c * 12 + i];
    EXPECT_EQ(view.wsum[c], sum);
    EXPECT_EQ(view.bias[c], c < 5 ? 7 - 3 * sum : 0);
    EXPECT_EQ(view.scale[c], c < 5 ? 0.25f : 1.0f);
  }
}

TEST(every_flipped_byte_is_refused) {
  const std::vector<int8_t> good = packed_layer();
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<int8_t> bad = good;
    bad[i] = static_cast<int8_t>(bad[i] ^ 0x10);
    PackedWeight view;
    const Status status = open_packed(bad.data(), bad.size(), &view);
    EXPECT(status.code == StatusCode::format_error);
    EXPECT(status.message.rfind("packed weight: ", 0) == 0);
  }
}

TEST(every_truncation_is_refused) {
  const std::vector<int8_t> good = packed_layer();
  for (size_t n = 0; n < good.size(); ++n) {
    testing::Buffer<int8_t> cut(n);
    std::copy(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n), cut.data());
    PackedWeight view;
    const Status status = open_packed(cut.data(), n, &view);
    EXPECT(status.code == StatusCode::format_error);
  }
}

// A header that lies but whose checksum is right, as someone who writes files by hand could make it.
TEST(wrong_fields_are_named) {
  const auto open_with = [](auto change) {
    std::vector<int8_t> bad = packed_layer();
    PackedHeader h;
    std::memcpy(&h, bad.data(), sizeof(h));
    change(h);
    h.header_checksum = static_cast<uint32_t>(checksum64(&h, offsetof(PackedHeader, header_checksum)));
    std::memcpy(bad.data(), &h, sizeof(h));
    PackedWeight view;
    const Status status = open_packed(bad.data(), bad.size(), &view);
    EXPECT(status.code == StatusCode::format_error);
    return status.message.substr(0, status.message.find(": given"));
  };
  EXPECT_EQ(open_with([](PackedHeader& h) { h.magic[0] = 'X'; }), "packed weight: magic");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.version = 2; }), "packed weight: version");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.format = PackedFormat{9}; }), "packed weight: format");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.out_channels = 0; }), "packed weight: out_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.in_channels = 0; }), "packed weight: in_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.kernel_h = 0; }), "packed weight: kernel_h");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.kernel_w = 0; }), "packed weight: kernel_w");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.groups = 7; }), "packed weight: groups");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_channels = 8; }), "packed weight: block_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.block_k = 8; }), "packed weight: block_k");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.input_zero_point = 200; }), "packed weight: input_zero_point");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.nonzeros = 1u << 30; }), "packed weight: nonzeros");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.payload_bytes += 1; }), "packed weight: payload_bytes");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.payload_checksum ^= 1; }), "packed weight: payload_checksum");
  EXPECT_EQ(open_with([](PackedHeader& h) { h.blocks = 1; }), "packed weight: blocks");
  // Would fit in a 64-bit address space, not in a 32-bit one.
  EXPECT_EQ(open_with([](PackedHeader& h) { h.out_channels = 4000000000u; }),
            sizeof(size_t) == 8 ? "packed weight: payload_bytes" : "packed weight: out_channels");
  EXPECT_EQ(open_with([](PackedHeader& h) {
              h.out_channels = h.in_channels = 4294967295u;
              h.kernel_h = h.kernel_w = 65535;
            }),
            "packed weight: out_channels");
}

// An operator remembers what it found good, and all the same sees every change of the header in place.
TEST(a_header_changed_after_it_was_found_good_is_refused) {
  std::vector<int8_t> blob = packed_layer();
  PackedWeight view;
  for (size_t i = 0; i < sizeof(PackedHeader); ++i) {
    EXPECT_OK(open_packed(blob.data(), blob.size(), &view));
    blob[i] = static_cast<int8_t>(blob[i] ^ 1);
    EXPECT(open_packed(blob.data(), blob.size(), &view).code == StatusCode::format_error);
    blob[i] = static_cast<int8_t>(blob[i] ^ 1);
  }
}

// Whoever looks at a weight is told of changes of the payload too.
TEST(verify_always_reads_the_payload) {
  std::vector<int8_t> blob = packed_layer();
  PackedWeight view;
  EXPECT_OK(open_packed(blob.data(), blob.size(), &view));
  blob.back() = static_cast<int8_t>(blob.back() ^ 1);
  EXPECT(verify_packed(blob.data(), blob.size(), &view).code == StatusCode::format_error);
}

TEST(an_odd_address_is_refused) {
  const std::vector<int8_t> good = packed_layer();
  std::vector<int8_t> moved(good.size() + 1);
  std::copy(good.begin(), good.end(), moved.begin() + 1);
  PackedWeight view;
  EXPECT(open_packed(moved.data() + 1, good.size(), &view).code == StatusCode::format_error);
}

TEST(bad_layers_are_named) {
  Random random(4);
  const auto pack_with = [&](auto change) {
    Layer layer(random, 4, 6, 1, 1, 1);
    change(layer);
    std::vector<int8_t> packed;
    return pack_weights(layer.args, &packed);
  };
  EXPECT_ERROR(pack_with([](Layer& l) { l.weights[5] = -128; }), "pack_weights: weights: given -128");
  EXPECT_ERROR(pack_with([](Layer& l) { l.scale[1] = 0.0f; }), "pack_weights: scale: given 0");
  EXPECT_ERROR(pack_with([](Layer& l) { l.scale[1] = -1.0f; }), "pack_weights: scale: given -1");
  EXPECT_ERROR(pack_with([](Layer& l) { l.scale[1] = std::nanf(""); }), "pack_weights: scale: given");
  EXPECT_ERROR(pack_with([](Layer& l) { l.scale[1] = std::numeric_limits<float>::infinity(); }),
               "pack_weights: scale: given inf");
  EXPECT_ERROR(pack_with([](Layer& l) { l.bias[2] = std::numeric_limits<int32_t>::max(); }),
               "pack_weights: bias: given");
  EXPECT_ERROR(pack_with([](Layer& l) { l.args.groups = 4; }), "pack_weights: groups: given 4");
  EXPECT_ERROR(pack_with([](Layer& l) { l.args.out_channels = 0; }), "pack_weights: out_channels: given 0");
  EXPECT_ERROR(pack_with([](Layer& l) { l.args.kernel_h = 70000; }), "pack_weights: kernel_h: given 70000");
  EXPECT_ERROR(pack_with([](Layer& l) { l.args.block_channels = 2; }), "pack_weights: block: given 2 channels by 4");
  EXPECT_ERROR(pack_with([](Layer& l) {
                 l.args.groups = l.args.in_channels = l.args.out_channels;
                 l.args.block_channels = 4;
               }),
               "pack_weights: block: given 4 channels by 4 for a depthwise weight");
  EXPECT_ERROR(pack_with([](Layer& l) { l.args.input_zero_point = 128; }), "pack_weights: input_zero_point: given 128");
}

}  // namespace
