// What the linear operators of a segment share: x [..., in_features], a packed weight, a result [..., out_features].
#pragma once

#include "segment/arguments.h"

namespace mobilekernels::segment {

// Reads both operands, x of that dtype, and returns x.
template <typename Args>
const Operand& read_linear(Arguments* in, Dtype dtype, Args* args) {
  const Operand& x = in->operand(0, dtype);
  const Rows rows = rows_of(x.info);
  args->rows = rows.outer;
  args->in_features = rows.channels;
  args->packed_bytes = static_cast<size_t>(in->operand(1, Dtype::int8, 1).info.count());
  return x;
}

inline Status infer_linear(const Call& call, int64_t out_features, Dtype dtype, TensorInfo* out) {
  *out = call.inputs[0].info;
  if (out->dims < 1) return bad_argument(call.op, "x", "shape []", "[..., in_features]");
  out->dtype = dtype;
  out->sizes[out->dims - 1] = out_features;
  return {};
}

}  // namespace mobilekernels::segment
