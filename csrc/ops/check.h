// Argument checks that operators share. Every message is "<op>: <argument>: given ..., accepted ...".
#pragma once

#include <string>

#include "ops/args.h"

namespace mobilekernels {

struct PackedHeader;

Status bad_argument(const char* op, const std::string& argument, const std::string& given, const std::string& accepted);

// The smallest and the largest scale: a scale, its inverse and its product with an int8 code are normal floats.
constexpr double kMinScale = 0x1p-126;
constexpr double kMaxScale = 0x1p+118;
// The largest ratio of scales: float(code) * ratio stays finite, so no sum is inf - inf.
constexpr double kMaxScaleRatio = 0x1p+100;

Status check_scale(const char* op, const std::string& argument, double scale);
Status check_zero_point(const char* op, const std::string& argument, int64_t zero_point);
// `out_zero_point`, `out_min` and `out_max`: int8 codes, out_min <= out_max.
Status check_output_range(const char* op, const OutputRange& range);

// *ratio = float(numerator / denominator), both scales already checked; the error names `argument`, the denominator.
Status scale_ratio(const char* op, const std::string& argument, double numerator, double denominator, float* ratio);

// n >= 0.
Status check_count(const char* op, const std::string& argument, int64_t n);
// A pointer may be null only where there is nothing behind it.
Status check_data(const char* op, const std::string& argument, const void* data, int64_t n);
// n >= 0; h, w, c >= 1; no more than kMaxElements values.
Status check_shape(const char* op, const std::string& argument, const Shape4& shape);
// Kernel, stride, dilation >= 1, padding >= 0, and all of them so small that no position overflows.
Status check_window(const char* op, const Window& window);
Status check_workspace(const char* op, const Context& context, size_t needed);
// A linear layer's sizes are those of its packed weight.
Status check_linear_sizes(const char* op, const PackedHeader& header, int64_t in_features, int64_t out_features);
// And the weight is that of a linear layer.
Status check_linear_weight(const char* op, const PackedHeader& header, int64_t in_features, int64_t out_features);

// Bound of a tensor's element count: offsets in bytes, of floats too, fit in ptrdiff_t.
constexpr int64_t kMaxElements = INT64_MAX / 16 < PTRDIFF_MAX / 16 ? INT64_MAX / 16 : PTRDIFF_MAX / 16;
// *product *= factor for sizes >= 0; false where the result is more than kMaxElements.
bool multiply_size(int64_t* product, int64_t factor);

}  // namespace mobilekernels
