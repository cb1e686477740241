#include "bindings/executorch/arguments.h"

#include "ops/check.h"

namespace mobilekernels::executorch_face {
namespace {

using ::executorch::aten::ArrayRef;

Status wrong_type(const char* op, const std::string& argument, const std::string& accepted) {
  return type_error(bad_argument(op, argument, "a value of another type", accepted).message);
}

struct Reader {
  const char* op;
  const Parameter& parameter;
  EValue* value;
  Arguments* to;

  Status add_tensor(const std::string& name, const Tensor& tensor, ScalarType dtype) const {
    if (tensor.scalar_type() != dtype) {
      return type_error(bad_argument(op, name, dtype_name(tensor.scalar_type()), dtype_name(dtype)).message);
    }
    return to->operands.add(op, name, tensor);
  }

  Status tensor(ScalarType dtype) const {
    Tensor* given = nullptr;
    MOBILEKERNELS_RETURN_IF_ERROR(read_tensor(op, parameter.name, value, &given));
    return add_tensor(parameter.name, *given, dtype);
  }

  Status tensors(ScalarType dtype) const {
    ArrayRef<Tensor> given;
    MOBILEKERNELS_RETURN_IF_ERROR(read_tensors(op, parameter.name, value, &given));
    if (given.empty()) return bad_argument(op, parameter.name, "no tensors", "at least one");
    for (size_t i = 0; i < given.size(); ++i) {
      MOBILEKERNELS_RETURN_IF_ERROR(add_tensor(parameter.name + "[" + std::to_string(i) + "]", given[i], dtype));
    }
    return {};
  }

  template <typename Value>
  Status number(const ::executorch::runtime::Result<Value>& given, const char* accepted) const {
    if (!given.ok()) return wrong_type(op, parameter.name, accepted);
    to->numbers.push_back(static_cast<double>(*given));
    return {};
  }

  template <typename Value>
  Status list(const ::executorch::runtime::Result<ArrayRef<Value>>& given, const char* accepted) const {
    if (!given.ok()) return wrong_type(op, parameter.name, accepted);
    // Lists of no fixed length belong to a list of tensors, which came before: one value each.
    const size_t length = parameter.length != 0 ? parameter.length : to->operands.all().size();
    if (given->size() != length) {
      return bad_argument(op, parameter.name, std::to_string(given->size()) + " values", std::to_string(length));
    }
    for (const Value item : *given) to->numbers.push_back(static_cast<double>(item));
    return {};
  }

  Status read() const {
    switch (parameter.kind) {
      case Kind::int8_tensor:
        return tensor(ScalarType::Char);
      case Kind::float32_tensor:
        return tensor(ScalarType::Float);
      case Kind::int8_tensors:
        return tensors(ScalarType::Char);
      case Kind::integer:
        return number(value->tryToInt(), "an int");
      case Kind::real:
        // 1.0 may have been written as 1.
        return value->isInt() ? number(value->tryToInt(), "a float") : number(value->tryToDouble(), "a float");
      case Kind::boolean:
        return number(value->tryToBool(), "a bool");
      case Kind::integers:
        return list(value->tryToIntList(), "a list of ints");
      case Kind::reals:
        return list(value->tryToDoubleList(), "a list of floats");
    }
    return wrong_type(op, parameter.name, "another");
  }
};

}  // namespace

Status check_count(const char* op, Stack stack, size_t arguments) {
  if (stack.size() > arguments) return {};
  return bad_argument(op, "arguments", std::to_string(stack.size()), std::to_string(arguments) + " and an output");
}

Status read_tensor(const char* op, const std::string& argument, EValue* value, Tensor** tensor) {
  if (value == nullptr || !value->isTensor()) return wrong_type(op, argument, "a tensor");
  *tensor = &value->toTensor();
  return {};
}

Status read_tensors(const char* op, const std::string& argument, EValue* value, ArrayRef<Tensor>* tensors) {
  if (value == nullptr) return wrong_type(op, argument, "a list of tensors");
  const auto given = value->tryToTensorList();
  if (!given.ok()) return wrong_type(op, argument, "a list of tensors");
  *tensors = *given;
  return {};
}

Status read_text(const char* op, const std::string& argument, EValue* value, std::string* text) {
  if (value == nullptr) return wrong_type(op, argument, "a string");
  const auto given = value->tryToString();
  if (!given.ok()) return wrong_type(op, argument, "a string");
  text->assign(given->data(), given->size());
  return {};
}

Status read_arguments(const Signature& signature, Stack stack, Arguments* arguments) {
  const char* op = signature.op.c_str();
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(op, stack, signature.parameters.size()));
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    const Parameter& parameter = signature.parameters[i];
    if (stack[i] == nullptr) return wrong_type(op, parameter.name, "a value");
    MOBILEKERNELS_RETURN_IF_ERROR((Reader{op, parameter, stack[i], arguments}.read()));
  }
  return {};
}

}  // namespace mobilekernels::executorch_face
