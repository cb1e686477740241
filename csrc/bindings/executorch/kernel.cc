#include "bindings/executorch/kernel.h"

#include <stdexcept>

#include "bindings/executorch/context.h"

namespace mobilekernels::executorch_face {
namespace {

Status run(KernelContext& context, const Signature& signature, Stack stack) {
  const char* op = signature.op.c_str();
  const segment::OpDef* definition = segment::find_op(signature.op);
  if (definition == nullptr) throw std::logic_error("no operator of that name");
  Arguments arguments;
  MOBILEKERNELS_RETURN_IF_ERROR(read_arguments(signature, stack, &arguments));
  const std::vector<Operand>& operands = arguments.operands.all();
  const segment::Call call{op, operands.data(), static_cast<int>(operands.size()), arguments.numbers.data(),
                           static_cast<int>(arguments.numbers.size())};
  TensorInfo info{};
  MOBILEKERNELS_RETURN_IF_ERROR(definition->infer(call, &info));
  segment::Runner runner;
  MOBILEKERNELS_RETURN_IF_ERROR(definition->prepare(call, info, &runner));
  Tensor* out = nullptr;
  MOBILEKERNELS_RETURN_IF_ERROR(read_tensor(op, "out", stack[signature.parameters.size()], &out));
  void* data = nullptr;
  MOBILEKERNELS_RETURN_IF_ERROR(take_output(op, "out", arguments.operands, info, *out, &data));
  const int threads = thread_count();
  const size_t workspace = definition->workspace == nullptr ? 0 : definition->workspace(call, threads);
  std::vector<segment::Source> sources;
  sources.reserve(operands.size());
  for (const Operand& operand : operands) sources.push_back({operand.data, operand.strides});
  return runner(sources.data(), data, make_context(context, threads, workspace));
}

}  // namespace

void call_op(KernelContext& context, const Signature& signature, Stack stack) noexcept {
  run_guarded(
      context, signature.op.c_str(), [&] { return run(context, signature, stack); },
      [&](const Status& status) { return error_text(signature.op.c_str(), status); });
}

}  // namespace mobilekernels::executorch_face
