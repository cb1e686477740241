#include "runtime/status.h"

namespace mobilekernels {

const char* exception_name(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return "";
    case StatusCode::value_error:
      return "ValueError";
    case StatusCode::type_error:
      return "TypeError";
    case StatusCode::not_implemented:
      return "NotImplementedError";
    case StatusCode::format_error:
      return "FormatError";
  }
  return "";
}

}  // namespace mobilekernels
