// What the torch face lends an operator: torch's thread pool and scratch memory.
#pragma once

#include <cstddef>

#include "runtime/context.h"

namespace mobilekernels::torch_face {

// How many tasks torch would run at once here (torch.set_num_threads).
int thread_count();

// The pool and `workspace_bytes` of scratch memory of the calling thread, valid until its next call.
Context make_context(int threads, size_t workspace_bytes);

// For operators that need no scratch memory.
inline Context make_context() { return make_context(thread_count(), 0); }

}  // namespace mobilekernels::torch_face
