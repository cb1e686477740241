// How the torch face reports errors: "<ExceptionName>: <op>: <argument>: given ..., accepted ...", which the
// dispatcher hands to Python as a RuntimeError and mobilekernels.errors.translate turns into the typed one.
#pragma once

#include <stdexcept>
#include <string>

#include "runtime/status.h"

namespace mobilekernels::torch_face {

inline void check(const char* op, const Status& status) {
  if (!status.ok()) throw std::runtime_error(error_text(op, status));
}

inline std::string argument_message(const char* op, const char* argument, const std::string& given,
                                    const std::string& accepted) {
  return std::string(op) + ": " + argument + ": given " + given + ", accepted " + accepted;
}

[[noreturn]] inline void fail_value(const char* op, const char* argument, const std::string& given,
                                    const std::string& accepted) {
  check(op, value_error(argument_message(op, argument, given, accepted)));
  throw std::logic_error("unreachable: the status above is an error");
}

[[noreturn]] inline void fail_type(const char* op, const char* argument, const std::string& given,
                                   const std::string& accepted) {
  check(op, type_error(argument_message(op, argument, given, accepted)));
  throw std::logic_error("unreachable: the status above is an error");
}

}  // namespace mobilekernels::torch_face
