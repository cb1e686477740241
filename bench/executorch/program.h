// A .pte file in ExecuTorch: checked, loaded, called.
#pragma once

#include <executorch/extension/module/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mapped_file.h"
#include "options.h"
#include "tracer.h"

namespace runner {

using ::executorch::extension::Module;

// What a call takes or gives.
struct TensorType {
  std::string dtype;
  std::vector<int32_t> sizes;
};

// One output of a call.
struct Value {
  TensorType type;
  std::vector<char> bytes;
};

class Program {
 public:
  // std::runtime_error says what is wrong with the file. `tracer` may be null.
  Program(const std::string& path, const std::string& method, bool unsealed, std::unique_ptr<Tracer> tracer);

  // Reads the files of the inputs; those that are not given are zeros.
  void set_inputs(const std::vector<Input>& inputs);
  void call();
  std::vector<TensorType> inputs() const;
  std::vector<Value> outputs() const;

  size_t file_bytes() const { return file_.bytes(); }
  // Of memory that export planned for activations; segments plan their own in temporary memory.
  size_t planned_bytes() const;
  double load_milliseconds() const { return load_milliseconds_; }

 private:
  MappedFile file_;
  std::string method_;
  std::unique_ptr<Module> module_;
  std::vector<std::vector<char>> input_bytes_;
  std::vector<::executorch::runtime::EValue> outputs_;
  std::vector<std::shared_ptr<::executorch::aten::Tensor>> inputs_;
  double load_milliseconds_ = 0;
};

}  // namespace runner
