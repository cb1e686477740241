#include "ops/concat.h"

#include "bindings/torch/context.h"
#include "bindings/torch/output.h"

namespace mobilekernels::torch_face {
namespace {

int64_t product(const Ints& sizes, size_t begin, size_t end) {
  int64_t n = 1;
  for (size_t i = begin; i < end; ++i) n *= sizes[i];
  return n;
}

// [..., channels] as rows of channels.
struct Rows {
  int64_t outer;
  int64_t channels;
};

Rows rows_of(const char* op, const Tensor& x) {
  if (x.dim() < 1) fail_value(op, "x", "shape []", "[..., channels]");
  const Ints sizes = sizes_of(x);
  return {product(sizes, 0, sizes.size() - 1), sizes.back()};
}

// The parts' common shape, with what they make together in dimension `dim`.
Ints concat_sizes(const char* op, const std::vector<Tensor>& xs, int64_t dim) {
  Ints sizes = sizes_of(xs[0]);
  for (size_t i = 1; i < xs.size(); ++i) {
    Ints part = sizes_of(xs[i]);
    if (part.size() == sizes.size()) {
      const int64_t extent = part[dim];
      part[dim] = sizes[dim];
      if (part == sizes) {
        sizes[dim] += extent;
        continue;
      }
    }
    fail_value(op, ("xs[" + std::to_string(i) + "]").c_str(), "shape " + list_text(xs[i].sizes()),
               "the shape of xs[0], " + list_text(xs[0].sizes()) + ", but for dimension " + std::to_string(dim));
  }
  return sizes;
}

Tensor concat(Output out, const std::vector<Tensor>& xs, int64_t dim, const std::vector<double>& scales,
              const Ints& zero_points, double out_scale, int64_t out_zero_point) {
  constexpr const char* kOp = "concat";
  if (xs.empty()) fail_value(kOp, "xs", "no tensors", "at least one");
  const auto check_count = [&xs](const char* argument, size_t count) {
    if (count != xs.size()) {
      fail_value(kOp, argument, std::to_string(count) + " values",
                 "one for each of the " + std::to_string(xs.size()) + " tensors");
    }
  };
  check_count("scales", scales.size());
  check_count("zero_points", zero_points.size());
  std::vector<ConcatInput> inputs(xs.size());
  std::vector<const Tensor*> read(xs.size());
  for (size_t i = 0; i < xs.size(); ++i) {
    inputs[i].data = int8_data(kOp, ("xs[" + std::to_string(i) + "]").c_str(), xs[i]);
    read[i] = &xs[i];
  }
  const int64_t rank = xs[0].dim();
  if (dim < -rank || dim >= rank) {
    fail_value(kOp, "dim", std::to_string(dim), "a dimension of shape " + list_text(xs[0].sizes()));
  }
  const size_t axis = static_cast<size_t>(dim < 0 ? dim + rank : dim);
  const Ints sizes = concat_sizes(kOp, xs, static_cast<int64_t>(axis));
  for (size_t i = 0; i < xs.size(); ++i) {
    inputs[i].inner = product(sizes_of(xs[i]), axis, sizes.size());
    inputs[i].scale = scales[i];
    inputs[i].zero_point = int8_code(kOp, "zero_points", zero_points[i]);
  }
  const int32_t out_zero = int8_code(kOp, "out_zero_point", out_zero_point);
  const Tensor y = out.take(kOp, sizes, ScalarType::Char, read.data(), read.size());
  check(kOp, mobilekernels::concat(inputs.data(), static_cast<int>(inputs.size()), product(sizes, 0, axis), out_scale,
                                   out_zero, static_cast<int8_t*>(y.mutable_data_ptr()), make_context()));
  return y;
}

Tensor channel_shuffle(Output out, const Tensor& x, int64_t groups) {
  constexpr const char* kOp = "channel_shuffle";
  const int8_t* data = int8_data(kOp, "x", x);
  const Rows rows = rows_of(kOp, x);
  const Tensor y = out.take(kOp, sizes_of(x), ScalarType::Char, {&x});
  check(kOp, mobilekernels::channel_shuffle(data, rows.outer, rows.channels, groups,
                                            static_cast<int8_t*>(y.mutable_data_ptr()), make_context()));
  return y;
}

Tensor slice_channels(Output out, const Tensor& x, int64_t start, int64_t end) {
  constexpr const char* kOp = "slice_channels";
  const int8_t* data = int8_data(kOp, "x", x);
  const Rows rows = rows_of(kOp, x);
  if (start < 0 || start >= end || end > rows.channels) {
    fail_value(kOp, "start, end", std::to_string(start) + ", " + std::to_string(end),
               "0 <= start < end <= " + std::to_string(rows.channels));
  }
  Ints sizes = sizes_of(x);
  sizes.back() = end - start;
  const Tensor y = out.take(kOp, sizes, ScalarType::Char, {&x});
  check(kOp, mobilekernels::slice_channels(data, rows.outer, rows.channels, start, end,
                                           static_cast<int8_t*>(y.mutable_data_ptr()), make_context()));
  return y;
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  define(library, "concat",
         "Tensor[] xs, int dim, float[] scales, int[] zero_points, float out_scale, int out_zero_point");
  define(library, "channel_shuffle", "Tensor x, int groups");
  define(library, "slice_channels", "Tensor x, int start, int end");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  implement<&concat>(library, "concat");
  implement<&channel_shuffle>(library, "channel_shuffle");
  implement<&slice_channels>(library, "slice_channels");
}

}  // namespace
}  // namespace mobilekernels::torch_face
