#include "ops/check.h"

#include <cmath>
#include <cstdio>

#include "pack/format.h"

namespace mobilekernels {

namespace {

// The greatest kernel, stride, padding or dilation: products of two of them, and sums with a size, fit in int64.
constexpr int64_t kMaxWindow = int64_t{1} << 30;

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

Status check_between(const char* op, const char* argument, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return bad_argument(op, argument, std::to_string(value),
                      "an integer in [" + std::to_string(least) + ", " + std::to_string(most) + "]");
}

}  // namespace

Status bad_argument(const char* op, const std::string& argument, const std::string& given,
                    const std::string& accepted) {
  return value_error(std::string(op) + ": " + argument + ": given " + given + ", accepted " + accepted);
}

Status check_scale(const char* op, const std::string& argument, double scale) {
  if (scale >= kMinScale && scale <= kMaxScale) return {};  // false for a NaN
  return bad_argument(op, argument, number(scale),
                      "a positive finite number in [" + number(kMinScale) + ", " + number(kMaxScale) + "]");
}

Status check_zero_point(const char* op, const std::string& argument, int64_t zero_point) {
  return check_between(op, argument.c_str(), zero_point, -128, 127);
}

Status check_output_range(const char* op, const OutputRange& range) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "out_zero_point", range.zero_point, -128, 127));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "out_min", range.lo, -128, 127));
  return check_between(op, "out_max", range.hi, range.lo, 127);
}

Status scale_ratio(const char* op, const std::string& argument, double numerator, double denominator, float* ratio) {
  const double r = numerator / denominator;
  if (!(r <= kMaxScaleRatio)) {
    return bad_argument(
        op, argument, number(denominator),
        "at least " + number(numerator / kMaxScaleRatio) + " (2^-100 of the input scale " + number(numerator) + ")");
  }
  *ratio = static_cast<float>(r);
  return {};
}

Status check_count(const char* op, const std::string& argument, int64_t n) {
  return check_between(op, argument.c_str(), n, 0, kMaxElements);
}

Status check_data(const char* op, const std::string& argument, const void* data, int64_t n) {
  if (data != nullptr || n == 0) return {};
  return bad_argument(op, argument, "a null pointer", "a pointer to " + std::to_string(n) + " values");
}

Status check_shape(const char* op, const std::string& argument, const Shape4& shape) {
  const auto given = [&shape] {  // not made where nothing is wrong: this runs a few times for every operator
    return "shape [n=" + std::to_string(shape.n) + ", h=" + std::to_string(shape.h) + ", w=" + std::to_string(shape.w) +
           ", c=" + std::to_string(shape.c) + "]";
  };
  if (shape.n < 0 || shape.h < 1 || shape.w < 1 || shape.c < 1) {
    return bad_argument(op, argument, given(), "n >= 0 and h, w, c >= 1");
  }
  int64_t elements = shape.h;
  if (!multiply_size(&elements, shape.w) || !multiply_size(&elements, shape.c) || !multiply_size(&elements, shape.n)) {
    return bad_argument(op, argument, given(), "at most " + std::to_string(kMaxElements) + " values");
  }
  return {};
}

Status check_window(const char* op, const Window& window) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "kernel_size[0]", window.kernel_h, 1, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "kernel_size[1]", window.kernel_w, 1, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "stride[0]", window.stride_h, 1, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "stride[1]", window.stride_w, 1, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "padding[0] (top)", window.pad_top, 0, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "padding[1] (bottom)", window.pad_bottom, 0, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "padding[2] (left)", window.pad_left, 0, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "padding[3] (right)", window.pad_right, 0, kMaxWindow));
  MOBILEKERNELS_RETURN_IF_ERROR(check_between(op, "dilation[0]", window.dilation_h, 1, kMaxWindow));
  return check_between(op, "dilation[1]", window.dilation_w, 1, kMaxWindow);
}

Status check_workspace(const char* op, const Context& context, size_t needed) {
  if (needed == 0 || (context.workspace != nullptr && context.workspace_bytes >= needed)) return {};
  return bad_argument(op, "workspace",
                      std::to_string(context.workspace == nullptr ? 0 : context.workspace_bytes) + " bytes",
                      "at least " + std::to_string(needed));
}

Status check_linear_sizes(const char* op, const PackedHeader& header, int64_t in_features, int64_t out_features) {
  if (header.in_channels != in_features) {
    return bad_argument(op, "x", std::to_string(in_features) + " features",
                        std::to_string(header.in_channels) + " features (as packed)");
  }
  if (header.out_channels != out_features) {
    return bad_argument(op, "out_features", std::to_string(out_features),
                        std::to_string(header.out_channels) + " (as packed)");
  }
  return {};
}

Status check_linear_weight(const char* op, const PackedHeader& header, int64_t in_features, int64_t out_features) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_linear_sizes(op, header, in_features, out_features));
  if (header.kernel_h != 1 || header.kernel_w != 1 || header.groups != 1) {
    return bad_argument(op, "packed", "the weights of a convolution", "those of a linear layer");
  }
  return {};
}

bool multiply_size(int64_t* product, int64_t factor) {
  if (factor != 0 && *product > kMaxElements / factor) return false;
  *product *= factor;
  return true;
}

}  // namespace mobilekernels
