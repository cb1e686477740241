#include "bindings/executorch/context.h"
#include "bindings/executorch/kernel.h"
#include "ops/check.h"
#include "segment/run.h"

namespace mobilekernels::executorch_face {
namespace {

using ::executorch::aten::ArrayRef;

constexpr const char* kOp = "segment";

std::string name_of(const char* list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

Status add_operands(const char* list, EValue* value, Operands* operands) {
  ArrayRef<Tensor> tensors;
  MOBILEKERNELS_RETURN_IF_ERROR(read_tensors(kOp, list, value, &tensors));
  for (size_t i = 0; i < tensors.size(); ++i) {
    MOBILEKERNELS_RETURN_IF_ERROR(operands->add(kOp, name_of(list, i), tensors[i]));
  }
  return {};
}

Status run(KernelContext& context, Stack stack) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(kOp, stack, 3));
  Operands operands;
  MOBILEKERNELS_RETURN_IF_ERROR(add_operands("inputs", stack[0], &operands));
  MOBILEKERNELS_RETURN_IF_ERROR(add_operands("constants", stack[1], &operands));
  std::string program;
  MOBILEKERNELS_RETURN_IF_ERROR(read_text(kOp, "program", stack[2], &program));
  ArrayRef<Tensor> outs;
  MOBILEKERNELS_RETURN_IF_ERROR(read_tensors(kOp, "out", stack[3], &outs));
  const int threads = thread_count();
  std::shared_ptr<const segment::Session> session;
  MOBILEKERNELS_RETURN_IF_ERROR(segment::open_session(program, operands.all(), threads, &session));
  const size_t count = session->program.outputs.size();
  if (outs.size() != count) {
    return bad_argument(kOp, "out", std::to_string(outs.size()) + " tensors", std::to_string(count));
  }
  std::vector<void*> memory(count);
  for (size_t i = 0; i < count; ++i) {
    Tensor out = outs[i];  // a handle
    MOBILEKERNELS_RETURN_IF_ERROR(
        take_output(kOp, name_of("out", i), operands, session->output_info(i), out, &memory[i]));
  }
  return segment::run_session(*session, operands.all(), memory.data(),
                              make_context(context, threads, session->scratch_bytes()));
}

}  // namespace

// The operators inside name themselves: their errors stay as they are.
void call_segment(KernelContext& context, Stack stack) noexcept {
  run_guarded(
      context, kOp, [&] { return run(context, stack); }, [](const Status& status) { return error_text(status); });
}

}  // namespace mobilekernels::executorch_face
