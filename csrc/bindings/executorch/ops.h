// The ops that a .pte file may call: all of torch.ops.mobilekernels.* (tests/executorch compares the two), each in its
// `.out` form. `segment` has a file of its own.
#pragma once

#include <vector>

#include "bindings/executorch/signature.h"

namespace mobilekernels::executorch_face {

// In the order of docs/design.md.
const std::vector<Signature>& ops();

}  // namespace mobilekernels::executorch_face
