// How an operator reads its Call: numbers in the order of the schema, operands with their dtype and rank. The first
// thing that is wrong is kept, and finish() tells it; until then readers go on with harmless values.
#pragma once

#include <string>

#include "ops/check.h"
#include "segment/op.h"

namespace mobilekernels::segment {

class Arguments {
 public:
  explicit Arguments(const Call& call) : call_(call) {}

  double number() {
    if (next_ < call_.numbers_count) return call_.numbers[next_++];
    fail("numbers", std::to_string(call_.numbers_count), "more of them");
    return 1;
  }

  int64_t integer() {
    const double value = number();
    // Every such double is an integer's own.
    if (value >= -0x1p53 && value <= 0x1p53 && value == static_cast<double>(static_cast<int64_t>(value))) {
      return static_cast<int64_t>(value);
    }
    fail("numbers", std::to_string(value), "an integer");
    return 1;
  }

  int32_t code() {
    const int64_t value = integer();
    if (value >= -128 && value <= 127) return static_cast<int32_t>(value);
    fail("numbers", std::to_string(value), "-128 to 127");
    return 0;
  }

  bool boolean() { return integer() != 0; }

  QParams qparams() {
    const double scale = number();
    return {scale, code()};
  }

  OutputRange range() {
    const int32_t zero_point = code();
    const int32_t lo = code();
    return {zero_point, lo, code()};
  }

  Window window_of(bool with_dilation) {
    Window w{};
    for (int64_t* field :
         {&w.kernel_h, &w.kernel_w, &w.stride_h, &w.stride_w, &w.pad_top, &w.pad_bottom, &w.pad_left, &w.pad_right}) {
      *field = integer();
    }
    w.dilation_h = with_dilation ? integer() : 1;
    w.dilation_w = with_dilation ? integer() : 1;
    return w;
  }

  // Operand `i`, of that dtype; any rank where `dims` is 0.
  const Operand& operand(int i, Dtype dtype, int dims = 0) {
    static const Operand none{{Dtype::int8, 4, {1, 1, 1, 1}}, nullptr, nullptr};
    if (i >= call_.inputs_count) {
      fail("inputs", std::to_string(call_.inputs_count), "more of them");
      return none;
    }
    const Operand& operand = call_.inputs[i];
    if (operand.info.dtype != dtype) {
      fail("x", operand.info.dtype == Dtype::int8 ? "int8" : "float32", dtype == Dtype::int8 ? "int8" : "float32");
      return none;
    }
    if (dims != 0 && operand.info.dims != dims) {
      fail("x", std::to_string(operand.info.dims) + " dimensions", std::to_string(dims));
      return none;
    }
    return operand;
  }

  // [N, H, W, C]
  Shape4 image(int i) {
    const int64_t* sizes = operand(i, Dtype::int8, 4).info.sizes;
    return {sizes[0], sizes[1], sizes[2], sizes[3]};
  }

  Status finish() {
    if (next_ != call_.numbers_count) {
      fail("numbers", std::to_string(call_.numbers_count), std::to_string(next_));
    }
    return status_;
  }

 private:
  void fail(const char* argument, const std::string& given, const std::string& accepted) {
    if (status_.ok()) status_ = bad_argument(call_.op, argument, given, accepted);
  }

  const Call& call_;
  int next_ = 0;
  Status status_;
};

inline const int8_t* codes_of(const Source& source) { return static_cast<const int8_t*>(source.data); }

inline TensorInfo image_info(const Shape4& shape, Dtype dtype = Dtype::int8) {
  return {dtype, 4, {shape.n, shape.h, shape.w, shape.c}};
}

// [..., channels] as rows of channels.
struct Rows {
  int64_t outer;
  int64_t channels;
};
inline Rows rows_of(const TensorInfo& info) {
  Rows rows{1, info.dims > 0 ? info.sizes[info.dims - 1] : 1};
  for (int i = 0; i + 1 < info.dims; ++i) rows.outer *= info.sizes[i];
  return rows;
}

}  // namespace mobilekernels::segment
