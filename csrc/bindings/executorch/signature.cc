#include "bindings/executorch/signature.h"

#include <sstream>
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

}  // namespace

Signature make_signature(const std::string& op, const std::vector<std::string>& parts) {
  Signature signature{op, "mobilekernels::" + op + ".out", {}};
  for (const std::string& part : parts) {
    std::istringstream words(part);
    std::string type, name;
    while (words >> type >> name) {
      if (name.back() == ',') name.pop_back();
      signature.parameters.push_back(parameter_of(type, name));
    }
  }
  return signature;
}

}  // namespace mobilekernels::executorch_face
