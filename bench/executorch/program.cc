#include "program.h"

#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/extension/tensor/tensor_ptr.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "bindings/executorch/mobilekernels_executorch.h"
#include "error.h"

namespace runner {
namespace {

using ::executorch::aten::ScalarType;
using ::executorch::runtime::Error;

constexpr size_t kTrailerBytes = 24;

// Ours has more to say than a code, where it was ours that failed.
void throw_if_error(const std::string& what, Error error) {
  if (error == Error::Ok) return;
  const char* detail = mobilekernels_executorch_last_error();
  throw std::runtime_error(what + ": " + ::executorch::runtime::to_string(error) +
                           (*detail == '\0' ? "" : std::string(" (") + detail + ")"));
}

template <typename T>
T value_or_throw(const std::string& what, ::executorch::runtime::Result<T> result) {
  if (!result.ok()) throw_if_error(what, result.error());
  return std::move(result.get());
}

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

const char* dtype_name(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::Char:
      return "int8";
    case ScalarType::Byte:
      return "uint8";
    case ScalarType::Float:
      return "float32";
    case ScalarType::Long:
      return "int64";
    default:
      return "other";
  }
}

TensorType type_of(const ::executorch::aten::Tensor& tensor) {
  return {dtype_name(tensor.scalar_type()), {tensor.sizes().begin(), tensor.sizes().end()}};
}

size_t product(const std::vector<int32_t>& sizes, size_t factor) {
  for (const int32_t size : sizes) factor *= static_cast<size_t>(size);
  return factor;
}

}  // namespace

Program::Program(const std::string& path, const std::string& method, bool unsealed, std::unique_ptr<Tracer> tracer)
    : file_(path), method_(method) {
  const auto begin = std::chrono::steady_clock::now();
  size_t bytes = file_.bytes();
  const std::string problem = mobilekernels_executorch_check_file(file_.data(), bytes);
  if (problem.empty()) {
    bytes -= kTrailerBytes;
  } else if (!unsealed) {
    throw std::runtime_error(path + ": " + problem);
  }
  module_ = std::make_unique<Module>(std::make_unique<::executorch::extension::BufferDataLoader>(file_.data(), bytes),
                                     nullptr, nullptr, std::move(tracer));
  throw_if_error(path, module_->load(::executorch::extension::Program::Verification::InternalConsistency));
  throw_if_error(path + ": " + method, module_->load_method(method));
  load_milliseconds_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void Program::set_inputs(const std::vector<Input>& given) {
  const auto meta = value_or_throw(method_, module_->method_meta(method_));
  if (given.size() > meta.num_inputs()) {
    throw bench::bad_value("--input", std::to_string(given.size()) + " of them",
                           "at most " + std::to_string(meta.num_inputs()));
  }
  input_bytes_.resize(meta.num_inputs());
  for (size_t i = 0; i < meta.num_inputs(); ++i) {
    const auto info = value_or_throw(method_ + ": input " + std::to_string(i), meta.input_tensor_meta(i));
    std::vector<int32_t> sizes(info.sizes().begin(), info.sizes().end());
    const size_t item = info.nbytes() / std::max<size_t>(product(sizes, 1), 1);
    std::vector<char>& bytes = input_bytes_[i];
    if (i < given.size()) {
      bytes = read_file(given[i].path);
      if (!given[i].sizes.empty()) {
        sizes = given[i].sizes;
      } else if (const size_t one = sizes.empty() || sizes[0] < 1 ? 0 : info.nbytes() / static_cast<size_t>(sizes[0]);
                 one != 0 && bytes.size() % one == 0) {
        sizes[0] = static_cast<int32_t>(bytes.size() / one);  // a free batch; ExecuTorch judges whether it is
      }
      if (bytes.size() != product(sizes, item)) {
        throw bench::bad_value("--input " + given[i].path, std::to_string(bytes.size()) + " bytes",
                               std::to_string(product(sizes, item)) + " (" + dtype_name(info.scalar_type()) + ")");
      }
    } else {
      bytes.assign(product(sizes, item), 0);
    }
    inputs_.push_back(::executorch::extension::make_tensor_ptr(sizes, bytes.data(), {}, {}, info.scalar_type()));
    throw_if_error(method_ + ": input " + std::to_string(i), module_->set_input(method_, inputs_.back(), i));
  }
}

void Program::call() { outputs_ = value_or_throw(method_, module_->execute(method_)); }

std::vector<TensorType> Program::inputs() const {
  std::vector<TensorType> types;
  for (const auto& input : inputs_) types.push_back(type_of(*input));
  return types;
}

std::vector<Value> Program::outputs() const {
  std::vector<Value> values;
  for (const auto& output : outputs_) {
    if (!output.isTensor()) continue;
    const auto& tensor = output.toTensor();
    const auto* data = static_cast<const char*>(tensor.const_data_ptr());
    values.push_back({type_of(tensor), {data, data + tensor.nbytes()}});
  }
  return values;
}

size_t Program::planned_bytes() const {
  const auto meta = value_or_throw(method_, module_->method_meta(method_));
  size_t bytes = 0;
  for (size_t i = 0; i < meta.num_memory_planned_buffers(); ++i) {
    bytes += static_cast<size_t>(value_or_throw(method_, meta.memory_planned_buffer_size(i)));
  }
  return bytes;
}

}  // namespace runner
