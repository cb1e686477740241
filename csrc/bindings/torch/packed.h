// The part of a packed weight's check that must come before memory is asked for: a wrong size would be an error of
// the allocator, which names no argument.
#pragma once

#include <string>

#include "bindings/torch/error.h"
#include "pack/format.h"

namespace mobilekernels::torch_face {

// Opens the packed weight (a FormatError where it is damaged) and compares the caller's number of channels with it.
inline PackedHeader check_out_channels(const char* op, const char* argument, int64_t given, const void* packed,
                                       size_t bytes) {
  PackedWeight view{};
  check(op, open_packed(packed, bytes, &view));
  if (given != int64_t{view.header.out_channels}) {
    fail_value(op, argument, std::to_string(given), std::to_string(view.header.out_channels) + " (as packed)");
  }
  return view.header;
}

}  // namespace mobilekernels::torch_face
