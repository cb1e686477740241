#include "bindings/executorch/signature.h"

#include <algorithm>
#include <stdexcept>

namespace mobilekernels::executorch_face {
namespace {

// "int[2]" -> "int[]" and 2.
Parameter parameter_of(const std::string& type, const std::string& name) {
  std::string kind = type;
  size_t length = 0;
  const size_t bracket = type.find('[');
  if (bracket != std::string::npos) {
    const std::string digits = type.substr(bracket + 1, type.size() - bracket - 2);
    if (!digits.empty()) length = std::stoul(digits);
    kind = type.substr(0, bracket) + "[]";
  }
  static const struct {
    const char* text;
    Kind kind;
  } kinds[] = {{"int8", Kind::int8_tensor},    {"float32", Kind::float32_tensor},
               {"int8[]", Kind::int8_tensors}, {"int", Kind::integer},
               {"float", Kind::real},          {"bool", Kind::boolean},
               {"int[]", Kind::integers},      {"float[]", Kind::reals}};
  for (const auto& known : kinds) {
    if (kind == known.text) return {known.kind, name, length};
  }
  throw std::logic_error("signature: there is no type " + type);
}

// The next word of `text` from *at on, without a comma behind it; "" at the end.
std::string next_word(const std::string& text, size_t* at) {
  const size_t begin = text.find_first_not_of(" ,", *at);
  if (begin == std::string::npos) return "";
  *at = std::min(text.find_first_of(" ,", begin), text.size());
  return text.substr(begin, *at - begin);
}

}  // namespace

Signature make_signature(const std::string& op, const std::vector<std::string>& parts) {
  Signature signature{op, "mobilekernels::" + op + ".out", {}};
  for (const std::string& part : parts) {
    size_t at = 0;
    for (std::string type = next_word(part, &at); !type.empty(); type = next_word(part, &at)) {
      signature.parameters.push_back(parameter_of(type, next_word(part, &at)));
    }
  }
  return signature;
}

}  // namespace mobilekernels::executorch_face
