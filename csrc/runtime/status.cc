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

std::string error_text(const Status& status) {
  return std::string(exception_name(status.code)) + ": " + status.message;
}

std::string error_text(const char* op, const Status& status) {
  const size_t colon = status.message.find(": ");
  const std::string rest = colon == std::string::npos ? ": " + status.message : status.message.substr(colon);
  const char* argument = status.code == StatusCode::format_error ? ": packed" : "";
  return std::string(exception_name(status.code)) + ": " + op + argument + rest;
}

}  // namespace mobilekernels
