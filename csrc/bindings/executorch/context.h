// What the ExecuTorch face lends an operator: ExecuTorch's thread pool, and memory of the runtime's temporary
// allocator.
#pragma once

#include <cstddef>

#include "bindings/executorch/error.h"
#include "runtime/context.h"

namespace mobilekernels::executorch_face {

// How many tasks ExecuTorch's pool would run at once.
int thread_count();

// The pool and `workspace_bytes` of memory, valid until the kernel returns. A runtime that has no temporary allocator,
// or too small a one, is helped out with memory of the calling thread, which is kept for its next call.
Context make_context(KernelContext& kernel, int threads, size_t workspace_bytes);

}  // namespace mobilekernels::executorch_face
