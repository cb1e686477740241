// What every linear operator is handed over: x [..., in_features] and a packed weight.
#pragma once

#include <type_traits>

#include "bindings/torch/arguments.h"
#include "bindings/torch/packed.h"

namespace mobilekernels::torch_face {

// Fills in the fields that all linear operators' arguments have, but the outputs.
template <typename Args>
void read_linear(const char* op, const Tensor& x, const Tensor& packed, int64_t out_features, Args* args) {
  using X = std::remove_const_t<std::remove_pointer_t<decltype(args->x)>>;
  args->x = data_of<X>(op, "x", x, std::is_same_v<X, float> ? ScalarType::Float : ScalarType::Char);
  if (x.dim() < 1) fail_value(op, "x", "shape []", "[..., in_features]");
  args->in_features = x.size(x.dim() - 1);
  args->rows = 1;
  for (int64_t d = 0; d + 1 < x.dim(); ++d) args->rows *= x.size(d);
  args->packed = int8_data(op, "packed", packed);
  args->packed_bytes = static_cast<size_t>(packed.numel());
  args->out_features = out_features;
  check_out_channels(op, "out_features", out_features, args->packed, args->packed_bytes);
}

// [..., out_features]
inline Ints linear_sizes(const Tensor& x, int64_t out_features) {
  Ints sizes = sizes_of(x);
  sizes.back() = out_features;
  return sizes;
}

}  // namespace mobilekernels::torch_face
