#include "bindings/executorch/error.h"

#include <executorch/runtime/platform/log.h>

namespace mobilekernels::executorch_face {
namespace {

std::string& latest() {
  thread_local std::string text;
  return text;
}

// A message may quote a damaged file, and who reads the log (Python does) may end over what is no text.
std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
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
  latest() = printable(text);
  ET_LOG(Error, "mobilekernels: %s", latest().c_str());
}

const std::string& last_error() { return latest(); }

}  // namespace mobilekernels::executorch_face
