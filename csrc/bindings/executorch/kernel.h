// Every op as a kernel of ExecuTorch. The core has each operator behind one face already (segment/op.h: infer, prepare,
// run), so one function serves them all; a new op needs a line in ops.cc.
#pragma once

#include "bindings/executorch/arguments.h"
#include "bindings/executorch/error.h"

namespace mobilekernels::executorch_face {

// Runs the op on `stack`; what is wrong fails the kernel.
void call_op(KernelContext& context, const Signature& signature, Stack stack) noexcept;

// segment.out(Tensor[] inputs, Tensor[] constants, str program, *, Tensor(a!)[] out) -> ()
void call_segment(KernelContext& context, Stack stack) noexcept;
constexpr const char* kSegmentOverload = "mobilekernels::segment.out";

}  // namespace mobilekernels::executorch_face
