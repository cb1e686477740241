#include "bindings/executorch/error.h"

#include <executorch/runtime/platform/log.h>

namespace mobilekernels::executorch_face {
namespace {

std::string& latest() {
  thread_local std::string text;
  return text;
}

}  // namespace

Error error_code(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return Error::Ok;
    case StatusCode::value_error:
      return Error::InvalidArgument;
    case StatusCode::type_error:
      return Error::InvalidType;
    case StatusCode::not_implemented:
      return Error::NotSupported;
    case StatusCode::format_error:
      return Error::InvalidProgram;
  }
  return Error::Internal;
}

void fail(KernelContext& context, Error code, const std::string& text) {
  context.fail(code);
  ET_LOG(Error, "mobilekernels: %s", text.c_str());
  latest() = text;
}

const std::string& last_error() { return latest(); }

}  // namespace mobilekernels::executorch_face
