// How the ExecuTorch face reports errors: the kernel fails with ExecuTorch's code for that kind of error, a line of its
// log has the text ("ValueError: conv2d: x: given ..., accepted ..."), and last_error() keeps it for whoever asks.
#pragma once

#include <executorch/runtime/kernel/kernel_runtime_context.h>

#include <exception>
#include <string>

#include "runtime/status.h"

namespace mobilekernels::executorch_face {

using KernelContext = ::executorch::runtime::KernelRuntimeContext;
using ::executorch::runtime::Error;

Error error_code(StatusCode code);

// Fails the kernel that runs with this text, which begins with the name of an exception. Told in printable ASCII.
void fail(KernelContext& context, Error code, const std::string& text);

// The text of this thread's latest failure; "" where there was none yet. Valid until the next one.
const std::string& last_error();

// body() gives a status, describe(status) the text of one that is an error. ExecuTorch is built without exceptions:
// what the C++ library throws (memory that cannot be had) ends here.
template <typename Body, typename Describe>
void run_guarded(KernelContext& context, const char* op, const Body& body, const Describe& describe) noexcept {
  try {
    try {
      const Status status = body();
      if (!status.ok()) fail(context, error_code(status.code), describe(status));
    } catch (const std::bad_alloc&) {
      fail(context, Error::MemoryAllocationFailed, std::string("MemoryError: ") + op + ": out of memory");
    } catch (const std::exception& error) {
      fail(context, Error::Internal, std::string("RuntimeError: ") + op + ": " + error.what());
    }
  } catch (...) {
    context.fail(Error::Internal);  // not even a text could be made
  }
}

}  // namespace mobilekernels::executorch_face
