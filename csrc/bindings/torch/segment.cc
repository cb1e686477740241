#include "bindings/torch/context.h"
#include "bindings/torch/output.h"
#include "segment/run.h"

namespace mobilekernels::torch_face {
namespace {

using segment::Dtype;
using segment::Operand;
using segment::Session;

constexpr const char* kOp = "segment";

// The operators inside name themselves: their errors stay as they are.
void check_segment(const Status& status) {
  if (!status.ok()) throw std::runtime_error(error_text(status));
}

std::string name_of(const char* list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

Operand operand_of(const std::string& name, const Tensor& tensor) {
  check_cpu(kOp, name.c_str(), tensor);
  const ScalarType dtype = tensor.scalar_type();
  if (dtype != ScalarType::Char && dtype != ScalarType::Float) {
    fail_type(kOp, name.c_str(), dtype_name(dtype), "int8 or float32");
  }
  if (tensor.dim() > segment::kMaxDims) {
    fail_value(kOp, name.c_str(), "shape " + list_text(tensor.sizes()),
               "at most " + std::to_string(segment::kMaxDims) + " dimensions");
  }
  Operand operand;
  operand.info = {dtype == ScalarType::Char ? Dtype::int8 : Dtype::float32, static_cast<int>(tensor.dim()), {}};
  const auto sizes = tensor.sizes();
  for (int d = 0; d < operand.info.dims; ++d) operand.info.sizes[d] = sizes[d];
  operand.data = tensor.const_data_ptr();
  return operand;
}

void check_contiguous(const std::string& name, const Tensor& tensor) {
  if (tensor.is_contiguous()) return;
  fail_value(kOp, name.c_str(), "strides " + list_text(tensor.strides()) + " for shape " + list_text(tensor.sizes()),
             "a contiguous tensor");
}

// Float images may have any strides; only the quantize in front reads them, and says so where another op would.
std::vector<Operand> operands_of(const std::vector<Tensor>& inputs, const std::vector<Tensor>& constants) {
  std::vector<Operand> operands;
  operands.reserve(inputs.size() + constants.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    operands.push_back(operand_of(name_of("inputs", i), inputs[i]));
    if (inputs[i].is_contiguous()) continue;
    if (operands.back().info.dtype != Dtype::float32 || inputs[i].dim() != 4) {
      check_contiguous(name_of("inputs", i), inputs[i]);
    }
    operands.back().strides = inputs[i].strides().data();
  }
  for (size_t i = 0; i < constants.size(); ++i) {
    operands.push_back(operand_of(name_of("constants", i), constants[i]));
    check_contiguous(name_of("constants", i), constants[i]);
  }
  return operands;
}

// `given`: where the results go, or null for new tensors.
std::vector<Tensor> run(const std::vector<Tensor>& inputs, const std::vector<Tensor>& constants,
                        const std::string& program, const std::vector<Tensor>* given) {
  const std::vector<Operand> operands = operands_of(inputs, constants);
  const int threads = thread_count();
  std::shared_ptr<const Session> session;
  check_segment(segment::open_session(program, operands, threads, &session));
  const size_t count = session->program.outputs.size();
  if (given != nullptr && given->size() != count) {
    fail_value(kOp, "out", std::to_string(given->size()) + " tensors", std::to_string(count));
  }
  std::vector<const Tensor*> read;
  for (const Tensor& tensor : inputs) read.push_back(&tensor);
  std::vector<Tensor> results;
  std::vector<void*> memory;
  for (size_t i = 0; i < count; ++i) {
    const segment::TensorInfo& info = session->output_info(i);
    const Ints sizes(info.sizes, info.sizes + info.dims);
    const ScalarType dtype = info.dtype == Dtype::int8 ? ScalarType::Char : ScalarType::Float;
    const Output out = given == nullptr ? Output() : Output((*given)[i]);
    results.push_back(out.take(kOp, sizes, dtype, read.data(), read.size()));
    memory.push_back(results.back().mutable_data_ptr());
  }
  check_segment(
      segment::run_session(*session, operands, memory.data(), make_context(threads, session->scratch_bytes())));
  return results;
}

std::vector<Tensor> functional(const std::vector<Tensor>& inputs, const std::vector<Tensor>& constants,
                               const std::string& program) {
  return run(inputs, constants, program, nullptr);
}

void into(const std::vector<Tensor>& inputs, const std::vector<Tensor>& constants, const std::string& program,
          const std::vector<Tensor>& out) {
  run(inputs, constants, program, &out);
}

STABLE_TORCH_LIBRARY_FRAGMENT(mobilekernels, library) {
  library.def("segment(Tensor[] inputs, Tensor[] constants, str program) -> Tensor[]");
  library.def("segment.out(Tensor[] inputs, Tensor[] constants, str program, *, Tensor(a!)[] out) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(mobilekernels, CPU, library) {
  library.impl("segment", TORCH_BOX(&functional));
  library.impl("segment.out", TORCH_BOX(&into));
}

}  // namespace
}  // namespace mobilekernels::torch_face
