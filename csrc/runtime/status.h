// How an operator says that it could not run. Faces turn `code` into the exception of their language;
// `message` names the argument, what was given and what is accepted.
#pragma once

#include <string>
#include <utility>

namespace mobilekernels {

enum class StatusCode { ok, value_error, type_error, not_implemented, format_error };

struct [[nodiscard]] Status {
  StatusCode code = StatusCode::ok;
  std::string message;

  bool ok() const { return code == StatusCode::ok; }
};

inline Status value_error(std::string message) { return {StatusCode::value_error, std::move(message)}; }
inline Status type_error(std::string message) { return {StatusCode::type_error, std::move(message)}; }
inline Status not_implemented(std::string message) { return {StatusCode::not_implemented, std::move(message)}; }
inline Status format_error(std::string message) { return {StatusCode::format_error, std::move(message)}; }

// The name of the Python exception for a code: faces without typed errors put it before the message.
const char* exception_name(StatusCode code);

// "<ExceptionName>: <message>" of a status that is an error.
std::string error_text(const Status& status);

// The same for a user who called `op`. The core names the function that found the error ("conv2d: x: ...", "packed
// weight: magic: ..."), which several ops may share: `op` takes its place.
std::string error_text(const char* op, const Status& status);

}  // namespace mobilekernels

#define MOBILEKERNELS_RETURN_IF_ERROR(expression)   \
  do {                                              \
    ::mobilekernels::Status status_ = (expression); \
    if (!status_.ok()) return status_;              \
  } while (false)
