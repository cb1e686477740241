#include "cases.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "error.h"
#include "ops/binary.h"
#include "ops/concat.h"
#include "ops/conv2d.h"
#include "ops/conv2d_f32.h"
#include "ops/linear.h"
#include "ops/linear_dynamic.h"
#include "ops/linear_f32.h"
#include "ops/pool2d.h"
#include "ops/unary.h"
#include "pack/pack.h"
#include "runtime/dispatch.h"

namespace bench {
namespace {

using namespace mobilekernels;

// Quantization parameters of every layer: uneven on purpose, so that none of them drops out of the arithmetic.
constexpr QParams kInput{0.05, 3};
constexpr QParams kOther{0.03, -7};
constexpr QParams kOutput{0.07, -5};
constexpr size_t kMaxParts = 64;  // of a concat
constexpr OutputRange kRange{kOutput.zero_point, -128, 127};

// Contents of the n-th buffer of a layer.
Buffer codes(int64_t n, uint64_t seed, int least = -128) {
  Buffer buffer(static_cast<size_t>(n));
  Random random(seed);
  for (size_t i = 0; i < buffer.bytes(); ++i) buffer.data()[i] = static_cast<int8_t>(random.integer(least, 127));
  return buffer;
}

// Multiples of 2^-8 in [-8, 8): exact in float32.
Buffer floats(int64_t n) {
  Buffer buffer(static_cast<size_t>(n) * sizeof(float));
  Random random(1);
  for (int64_t i = 0; i < n; ++i) buffer.data<float>()[i] = static_cast<float>(random.integer(-2048, 2047)) / 256.0f;
  return buffer;
}

int64_t product(const Sizes& sizes) {
  constexpr int64_t kMost = int64_t{1} << 31;
  int64_t result = 1;
  for (const int64_t size : sizes) {
    if (result > kMost / size) throw std::length_error("a tensor of more than 2^31 values");
    result *= size;
  }
  return result;
}

int64_t elements(const Shape4& s) { return product({s.n, s.h, s.w, s.c}); }

template <typename Kernel>
std::string isa_of(const Kernel& kernel) {
  size_t count = 0;
  const KernelEntry* entries = kernel_entries(&count);
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].kernel == &kernel) return isa_name(entries[i].isa);
  }
  return "none";
}

struct ConvShape {
  Shape4 x;
  int64_t out_channels, groups;
  Window window;
};

Shape4 image_of(Keys& keys, const char* channels) {
  const Sizes size = keys.pair("image");
  return {keys.integer("batch", 1), size[0], size[1], keys.integer(channels)};
}

Window window_of(Keys& keys) {
  const Sizes kernel = keys.pair("kernel"), stride = keys.pair("stride", {1, 1}), pad = keys.padding("pad"),
              dilation = keys.pair("dilation", {1, 1});
  return {kernel[0], kernel[1], stride[0], stride[1], pad[0], pad[1], pad[2], pad[3], dilation[0], dilation[1]};
}

// Blocks of a block-sparse weight; channels 0: dense.
struct Sparsity {
  int64_t channels, zeros;  // zeros: percent of the blocks
};

// `block=4x4 zeros=80`, or neither.
Sparsity sparsity_of(const std::string& where, Keys& keys) {
  const Sizes none{0, 0}, block = keys.pair("block", none);
  const int64_t zeros = keys.integer("zeros", 0, 0);
  if (block != none && block != Sizes{4, 4} && block != Sizes{1, 4}) {
    throw bad_value(where + ": block", std::to_string(block[0]) + "x" + std::to_string(block[1]), "4x4 or 1x4");
  }
  if (zeros > (block == none ? 0 : 100)) {
    throw bad_value(where + ": zeros", std::to_string(zeros), "0 to 100 percent, with a block");
  }
  return {block[0], zeros};
}

// Takes out whole blocks, at random. k of a block is (kernel_h, kernel_w, inputs), as packing has it.
void clear_blocks(const ConvShape& conv, const Sparsity& sparsity, int8_t* weights) {
  constexpr int64_t kBlockK = 4;
  const int64_t taps = conv.window.kernel_h * conv.window.kernel_w, inputs = conv.x.c / conv.groups;
  const int64_t group_out = conv.out_channels / conv.groups;
  Random random(5);
  for (int64_t first = 0; first < conv.out_channels; first += group_out) {
    for (int64_t c = 0; c < group_out; c += sparsity.channels) {
      for (int64_t k = 0; k < taps * inputs; k += kBlockK) {
        if (random.integer(0, 99) >= sparsity.zeros) continue;
        for (int64_t i = c; i < std::min(c + sparsity.channels, group_out); ++i) {
          for (int64_t j = k; j < std::min(k + kBlockK, taps * inputs); ++j) {
            weights[((first + i) * inputs + j % inputs) * taps + j / inputs] = 0;
          }
        }
      }
    }
  }
}

// Random weights, and scales that spread the results over the int8 codes; `dynamic`: without zero point and bias.
Buffer packed_weights(const std::string& where, const ConvShape& conv, const Sparsity& sparsity, bool dynamic = false) {
  const Window& w = conv.window;
  if (conv.x.c % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
    throw bad_value(where + ": groups", std::to_string(conv.groups), "a divisor of the channels in and out");
  }
  const int64_t k = product({conv.x.c / conv.groups, w.kernel_h, w.kernel_w});
  Buffer weights = codes(product({conv.out_channels, k}), 2, -127);
  if (sparsity.channels > 0) clear_blocks(conv, sparsity, weights.data());
  std::vector<int32_t> bias;
  std::vector<float> scale;
  Random random(3);
  for (int64_t c = 0; c < conv.out_channels; ++c) {
    bias.push_back(random.integer(-20000, 20000));
    const double spread = 40.0 / (73.0 * 73.0 * std::sqrt(static_cast<double>(k)));
    scale.push_back(static_cast<float>(spread * (1.0 + random.integer(0, 15) / 16.0)));
  }
  std::vector<int8_t> packed;
  throw_if_error(
      where, pack_weights({weights.data(), dynamic ? nullptr : bias.data(), scale.data(), conv.out_channels, conv.x.c,
                           w.kernel_h, w.kernel_w, conv.groups, dynamic ? 0 : kInput.zero_point, sparsity.channels},
                          &packed));
  Buffer buffer(packed.size());
  std::memcpy(buffer.data(), packed.data(), packed.size());
  return buffer;
}

// The same weights as multiples of 2^-10.
Buffer packed_weights_f32(const std::string& where, const ConvShape& conv, const Sparsity& sparsity) {
  const Window& w = conv.window;
  if (sparsity.channels == 0) throw bad_value(where + ": block", "none", "4x4 or 1x4");
  if (conv.x.c % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
    throw bad_value(where + ": groups", std::to_string(conv.groups), "a divisor of the channels in and out");
  }
  const int64_t n = product({conv.out_channels, conv.x.c / conv.groups, w.kernel_h, w.kernel_w});
  Buffer weights = codes(n, 2, -127);
  clear_blocks(conv, sparsity, weights.data());
  std::vector<float> values, bias;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<float>(weights.data()[i]) / 1024.0f);
  Random random(3);
  for (int64_t c = 0; c < conv.out_channels; ++c) {
    bias.push_back(static_cast<float>(random.integer(-2048, 2047)) / 1024.0f);
  }
  std::vector<int8_t> packed;
  throw_if_error(where, pack_weights_f32({values.data(), bias.data(), conv.out_channels, conv.x.c, w.kernel_h,
                                          w.kernel_w, conv.groups, sparsity.channels},
                                         &packed));
  Buffer buffer(packed.size());
  std::memcpy(buffer.data(), packed.data(), packed.size());
  return buffer;
}

constexpr float kMost = 3e38f;  // no clamp

void make_conv2d_f32(Keys& keys, Case& c) {
  const ConvShape conv{image_of(keys, "in"), keys.integer("out"), keys.integer("groups", 1), window_of(keys)};
  Shape4 out;
  throw_if_error(c.where, conv2d_output_shape(conv.x, conv.out_channels, conv.window, &out));
  c.weights = packed_weights_f32(c.where, conv, sparsity_of(c.where, keys));
  c.inputs.push_back(floats(elements(conv.x)));
  const int64_t n = elements(out);
  c.out = Buffer(static_cast<size_t>(n) * sizeof(float));
  c.macs = n * (conv.x.c / conv.groups) * conv.window.kernel_h * conv.window.kernel_w;
  c.isa = isa_of(select_spgemm_f32());
  const Conv2dF32Args args{c.inputs[0].data<float>(),
                           conv.x,
                           c.weights.data(),
                           c.weights.bytes(),
                           conv.out_channels,
                           conv.groups,
                           conv.window,
                           -kMost,
                           kMost,
                           c.out.data<float>()};
  c.workspace = [args](int threads) { return conv2d_f32_workspace(args, threads); };
  c.run = [args](const Context& context) { return conv2d_f32(args, context); };
}

void make_linear_f32(Keys& keys, Case& c) {
  const int64_t rows = keys.integer("rows"), in = keys.integer("in"), out = keys.integer("out");
  const ConvShape conv{{1, rows, 1, in}, out, 1, {1, 1, 1, 1, 0, 0, 0, 0, 1, 1}};
  c.weights = packed_weights_f32(c.where, conv, sparsity_of(c.where, keys));
  c.inputs.push_back(floats(product({rows, in})));
  c.out = Buffer(static_cast<size_t>(product({rows, out})) * sizeof(float));
  c.macs = rows * in * out;
  c.isa = isa_of(select_spgemm_f32());
  const LinearF32Args args{c.inputs[0].data<float>(), rows, in, c.weights.data(), c.weights.bytes(), out, -kMost, kMost,
                           c.out.data<float>()};
  c.workspace = [args](int threads) { return linear_f32_workspace(args, threads); };
  c.run = [args](const Context& context) { return linear_f32(args, context); };
}

std::string matrix_isa(const Sparsity& sparsity) {
  return sparsity.channels > 0 ? isa_of(select_spgemm()) : isa_of(select_gemm());
}

enum class ConvKind { int8, residual, floats };

void make_conv2d(Keys& keys, Case& c, ConvKind kind) {
  const ConvShape conv{image_of(keys, "in"), keys.integer("out"), keys.integer("groups", 1), window_of(keys)};
  const Sparsity sparsity = sparsity_of(c.where, keys);
  Shape4 out;
  throw_if_error(c.where, conv2d_output_shape(conv.x, conv.out_channels, conv.window, &out));
  c.weights = packed_weights(c.where, conv, sparsity);
  c.inputs.push_back(codes(elements(conv.x), 1));
  const int64_t n = elements(out);
  c.out = Buffer(static_cast<size_t>(n) * (kind == ConvKind::floats ? sizeof(float) : 1));
  c.macs = n * (conv.x.c / conv.groups) * conv.window.kernel_h * conv.window.kernel_w;
  Conv2dArgs args{};
  args.x = c.inputs[0].data();
  args.shape = conv.x;
  args.packed = c.weights.data();
  args.packed_bytes = c.weights.bytes();
  args.out_channels = conv.out_channels;
  args.groups = conv.groups;
  args.window = conv.window;
  args.x_zero_point = kInput.zero_point;
  args.output = kRange;
  args.out = c.out.data();
  if (kind == ConvKind::floats) args.out_float = c.out.data<float>();
  const std::string family = conv2d_family(conv.x.c, conv.groups, sparsity.channels > 0);
  c.isa = family == "depthwise" ? isa_of(select_depthwise()) : matrix_isa(sparsity);
  c.workspace = [args](int threads) { return conv2d_workspace(args, threads); };
  if (kind != ConvKind::residual) {
    c.run = [args](const Context& context) { return conv2d(args, context); };
    return;
  }
  c.inputs.push_back(codes(n, 4));
  const Conv2dResidual residual{c.inputs[1].data(), kOther, kInput, kOutput, {kInput.zero_point, -128, 127}};
  c.run = [args, residual](const Context& context) {
    Conv2dArgs with = args;
    with.residual = &residual;
    return conv2d(with, context);
  };
}

void make_linear(Keys& keys, Case& c, bool floats) {
  const int64_t rows = keys.integer("rows"), in = keys.integer("in"), out = keys.integer("out");
  const Sparsity sparsity = sparsity_of(c.where, keys);
  c.weights = packed_weights(c.where, {{1, rows, 1, in}, out, 1, {1, 1, 1, 1, 0, 0, 0, 0, 1, 1}}, sparsity);
  c.inputs.push_back(codes(product({rows, in}), 1));
  c.out = Buffer(static_cast<size_t>(product({rows, out})) * (floats ? sizeof(float) : 1));
  c.macs = rows * in * out;
  c.isa = matrix_isa(sparsity);
  const LinearArgs args{c.inputs[0].data(),
                        rows,
                        in,
                        c.weights.data(),
                        c.weights.bytes(),
                        out,
                        kInput.zero_point,
                        kRange,
                        c.out.data(),
                        floats ? c.out.data<float>() : nullptr};
  c.workspace = [args](int threads) { return linear_workspace(args, threads); };
  c.run = [args](const Context& context) { return linear(args, context); };
}

void make_linear_dynamic(Keys& keys, Case& c) {
  const int64_t rows = keys.integer("rows"), in = keys.integer("in"), out = keys.integer("out");
  const DynamicQuantization quantization{keys.integer("per_row", 0, 0) != 0, keys.integer("symmetric", 0, 0) != 0, -128,
                                         127, 0x1p-23};
  const ConvShape conv{{1, rows, 1, in}, out, 1, {1, 1, 1, 1, 0, 0, 0, 0, 1, 1}};
  const Sparsity sparsity = sparsity_of(c.where, keys);
  c.weights = packed_weights(c.where, conv, sparsity, true);
  c.inputs.push_back(floats(product({rows, in})));
  c.inputs.push_back(floats(out));
  c.out = Buffer(static_cast<size_t>(product({rows, out})) * sizeof(float));
  c.macs = rows * in * out;
  c.isa = matrix_isa(sparsity);
  const LinearDynamicArgs args{c.inputs[0].data<float>(), rows, in,           c.weights.data(),   c.weights.bytes(),
                               c.inputs[1].data<float>(), out,  quantization, c.out.data<float>()};
  c.workspace = [args](int threads) { return linear_dynamic_workspace(args, threads); };
  c.run = [args](const Context& context) { return linear_dynamic(args, context); };
}

void make_binary(Keys& keys, Case& c, Status (*op)(const BinaryArgs&, const Context&)) {
  const Sizes a = keys.shape("a"), b = keys.shape("b");
  c.inputs.push_back(codes(product(a), 1));
  c.inputs.push_back(codes(product(b), 4));
  const auto operand = [](const Buffer& data, const Sizes& sizes, const QParams& params) {
    return BinaryOperand{data.data(), sizes.data(), static_cast<int>(sizes.size()), params.scale, params.zero_point};
  };
  int64_t out[kMaxBinaryDims];
  int dims = 0;
  throw_if_error(c.where,
                 binary_output_shape(operand(c.inputs[0], a, kInput), operand(c.inputs[1], b, kOther), out, &dims));
  c.out = Buffer(static_cast<size_t>(product(Sizes(out, out + dims))));
  c.isa = isa_of(select_elementwise());
  const int8_t *x = c.inputs[0].data(), *y = c.inputs[1].data();
  int8_t* to = c.out.data();
  c.run = [=](const Context& context) {
    const BinaryOperand left{x, a.data(), static_cast<int>(a.size()), kInput.scale, kInput.zero_point};
    const BinaryOperand right{y, b.data(), static_cast<int>(b.size()), kOther.scale, kOther.zero_point};
    return op({left, right, kOutput.scale, kRange, to}, context);
  };
}

void make_lut(Keys& keys, Case& c) {
  const int64_t n = product(keys.shape("shape"));
  c.inputs.push_back(codes(n, 1));
  c.weights = codes(256, 2);
  c.out = Buffer(static_cast<size_t>(n));
  c.isa = isa_of(select_elementwise());
  const int8_t *x = c.inputs[0].data(), *table = c.weights.data();
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) { return lut(x, n, table, out, context); };
}

Pool2dArgs make_pool(Keys& keys, Case& c) {
  const Shape4 shape = image_of(keys, "channels");
  const Window window = window_of(keys);
  const bool ceil_mode = keys.integer("ceil", 0, 0) != 0;
  Shape4 out;
  throw_if_error(c.where, pool2d_output_shape(shape, window, ceil_mode, &out));
  c.inputs.push_back(codes(elements(shape), 1));
  c.out = Buffer(static_cast<size_t>(elements(out)));
  c.isa = isa_of(select_pool());
  c.workspace = [=](int threads) { return pool2d_workspace(shape, window, threads); };
  return {c.inputs[0].data(), shape, window, ceil_mode, c.out.data()};
}

void make_max_pool2d(Keys& keys, Case& c) {
  const Pool2dArgs args = make_pool(keys, c);
  c.run = [args](const Context& context) { return max_pool2d(args, context); };
}

void make_avg_pool2d(Keys& keys, Case& c) {
  const Pool2dArgs pool = make_pool(keys, c);
  const AveragePool2dArgs args{pool,
                               keys.integer("count_pad", 1, 0) != 0,
                               keys.integer("divisor", 0, 0),
                               kInput.scale,
                               kInput.zero_point,
                               kOutput.scale,
                               kRange};
  c.run = [args](const Context& context) { return average_pool2d(args, context); };
}

void make_adaptive_avg_pool2d(Keys& keys, Case& c) {
  const Shape4 shape = image_of(keys, "channels");
  const Sizes size = keys.pair("size");
  c.inputs.push_back(codes(elements(shape), 1));
  c.out = Buffer(static_cast<size_t>(elements({shape.n, size[0], size[1], shape.c})));
  c.isa = isa_of(select_pool());
  const AdaptiveAveragePool2dArgs args{c.inputs[0].data(), shape,         size[0], size[1],     kInput.scale,
                                       kInput.zero_point,  kOutput.scale, kRange,  c.out.data()};
  c.workspace = [args](int threads) { return adaptive_average_pool2d_workspace(args, threads); };
  c.run = [args](const Context& context) { return adaptive_average_pool2d(args, context); };
}

// Every second part has the output's scale (a copy), the others are requantized.
void make_concat(Keys& keys, Case& c) {
  const int64_t outer = keys.integer("outer");
  std::vector<ConcatInput> parts;
  int64_t inner = 0;
  for (const int64_t each : keys.shape("inner", kMaxParts)) {
    c.inputs.push_back(codes(product({outer, each}), 1 + parts.size()));
    const QParams& params = parts.size() % 2 == 0 ? kOutput : kOther;
    parts.push_back({c.inputs.back().data(), each, params.scale, params.zero_point});
    inner += each;
  }
  c.out = Buffer(static_cast<size_t>(product({outer, inner})));
  c.isa = isa_of(select_elementwise());
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) {
    return concat(parts.data(), static_cast<int>(parts.size()), outer, kOutput.scale, kOutput.zero_point, out, context);
  };
}

void make_channel_shuffle(Keys& keys, Case& c) {
  const int64_t outer = keys.integer("outer"), channels = keys.integer("channels"), groups = keys.integer("groups");
  c.inputs.push_back(codes(product({outer, channels}), 1));
  c.out = Buffer(c.inputs[0].bytes());
  const int8_t* x = c.inputs[0].data();
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) { return channel_shuffle(x, outer, channels, groups, out, context); };
}

void make_slice_channels(Keys& keys, Case& c) {
  const int64_t outer = keys.integer("outer"), channels = keys.integer("channels"), end = keys.integer("end");
  const int64_t start = keys.integer("start", 0, 0);
  if (start >= end || end > channels) {
    throw bad_value(c.where + ": end", std::to_string(end), "start < end <= channels");
  }
  c.inputs.push_back(codes(product({outer, channels}), 1));
  c.out = Buffer(static_cast<size_t>(outer * (end - start)));
  const int8_t* x = c.inputs[0].data();
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) { return slice_channels(x, outer, channels, start, end, out, context); };
}

void make_quantize(Keys& keys, Case& c) {
  const int64_t n = product(keys.shape("shape"));
  c.inputs.push_back(floats(n));
  c.out = Buffer(static_cast<size_t>(n));
  c.isa = isa_of(select_elementwise());
  const float* x = c.inputs[0].data<float>();
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) { return quantize(x, n, kInput.scale, kInput.zero_point, out, context); };
}

void make_dequantize(Keys& keys, Case& c) {
  const int64_t n = product(keys.shape("shape"));
  c.inputs.push_back(codes(n, 1));
  c.out = Buffer(static_cast<size_t>(n) * sizeof(float));
  c.isa = isa_of(select_elementwise());
  const int8_t* x = c.inputs[0].data();
  float* out = c.out.data<float>();
  c.run = [=](const Context& context) { return dequantize(x, n, kInput.scale, kInput.zero_point, out, context); };
}

void make_quantize_nhwc(Keys& keys, Case& c) {
  const Shape4 shape = image_of(keys, "channels");
  c.inputs.push_back(floats(elements(shape)));
  c.out = Buffer(static_cast<size_t>(elements(shape)));
  c.isa = isa_of(select_elementwise());
  const float* x = c.inputs[0].data<float>();
  int8_t* out = c.out.data();
  c.run = [=](const Context& context) {
    const int64_t strides[4] = {shape.c * shape.h * shape.w, shape.h * shape.w, shape.w, 1};
    return quantize_nhwc(x, shape, strides, kInput.scale, kInput.zero_point, out, context);
  };
}

void make_dequantize_nchw(Keys& keys, Case& c) {
  const Shape4 shape = image_of(keys, "channels");
  c.inputs.push_back(codes(elements(shape), 1));
  c.out = Buffer(c.inputs[0].bytes() * sizeof(float));
  c.isa = isa_of(select_elementwise());
  const int8_t* x = c.inputs[0].data();
  float* out = c.out.data<float>();
  c.run = [=](const Context& context) {
    return dequantize_nchw(x, shape, kInput.scale, kInput.zero_point, out, context);
  };
}

// A plain read of memory, to set the bandwidth of weights against. Its output is the exclusive or of all 8 bytes.
void make_read(Keys& keys, Case& c) {
  constexpr size_t kAtOnce = 16;
  const int64_t words = product(keys.shape("shape")) / 8;
  c.weights = codes(words * 8, 2);
  c.out = Buffer(sizeof(uint64_t));
  const auto* from = c.weights.data<const uint64_t>();
  auto* out = c.out.data<uint64_t>();
  c.run = [=](const Context&) {
    uint64_t sums[kAtOnce] = {};
    const auto n = static_cast<size_t>(words);
    size_t i = 0;
    for (; i + kAtOnce <= n; i += kAtOnce) {
      for (size_t j = 0; j < kAtOnce; ++j) sums[j] ^= from[i + j];
    }
    for (; i < n; ++i) sums[0] ^= from[i];
    *out = 0;
    for (const uint64_t sum : sums) *out ^= sum;
    return Status();
  };
}

struct Op {
  const char* name;
  void (*make)(Keys& keys, Case& c);
};

// By the names of torch.ops.mobilekernels; "read" is none of them.
constexpr Op kOps[] = {
    {"conv2d", [](Keys& keys, Case& c) { make_conv2d(keys, c, ConvKind::int8); }},
    {"conv2d_add", [](Keys& keys, Case& c) { make_conv2d(keys, c, ConvKind::residual); }},
    {"conv2d_float", [](Keys& keys, Case& c) { make_conv2d(keys, c, ConvKind::floats); }},
    {"linear", [](Keys& keys, Case& c) { make_linear(keys, c, false); }},
    {"linear_float", [](Keys& keys, Case& c) { make_linear(keys, c, true); }},
    {"linear_dynamic", make_linear_dynamic},
    {"conv2d_f32", make_conv2d_f32},
    {"linear_f32", make_linear_f32},
    {"add", [](Keys& keys, Case& c) { make_binary(keys, c, add); }},
    {"mul", [](Keys& keys, Case& c) { make_binary(keys, c, mul); }},
    {"lut", make_lut},
    {"max_pool2d", make_max_pool2d},
    {"avg_pool2d", make_avg_pool2d},
    {"adaptive_avg_pool2d", make_adaptive_avg_pool2d},
    {"concat", make_concat},
    {"channel_shuffle", make_channel_shuffle},
    {"slice_channels", make_slice_channels},
    {"quantize", make_quantize},
    {"quantize_nhwc", make_quantize_nhwc},
    {"dequantize", make_dequantize},
    {"dequantize_nchw", make_dequantize_nchw},
    {"read", make_read},
};

}  // namespace

Case make_case(const Layer& layer) {
  for (const Op& op : kOps) {
    if (layer.op != op.name) continue;
    Case c;
    c.where = layer.where + ": " + layer.op;
    c.name = layer.name;
    c.op = layer.op;
    c.isa = "none";
    Keys keys(layer);
    try {
      op.make(keys, c);
    } catch (const std::length_error& error) {
      throw UsageError(c.where + ": " + error.what());
    }
    keys.finish();
    return c;
  }
  std::string known;
  for (const Op& op : kOps) known += (known.empty() ? "" : ", ") + std::string(op.name);
  throw bad_value(layer.where + ": op", layer.op, known);
}

}  // namespace bench
