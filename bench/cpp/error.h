// Wrong usage: a bad option, a bad layer list. main() prints the message and exits with 2.
#pragma once

#include <stdexcept>
#include <string>

#include "runtime/status.h"

namespace bench {

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline UsageError bad_value(const std::string& where, const std::string& given, const std::string& accepted) {
  return UsageError(where + ": given '" + given + "', accepted " + accepted);
}

inline void throw_if_error(const std::string& where, const mobilekernels::Status& status) {
  if (!status.ok()) throw UsageError(where + ": " + status.message);
}

}  // namespace bench
