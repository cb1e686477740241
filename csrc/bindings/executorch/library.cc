// What happens when the library is loaded: its kernels are registered, unless another copy's are already.
#include <executorch/runtime/kernel/operator_registry.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "bindings/executorch/kernel.h"
#include "bindings/executorch/mobilekernels_executorch.h"
#include "bindings/executorch/ops.h"
#include "bindings/executorch/trailer.h"
#include "pack/format.h"

namespace mobilekernels::executorch_face {
namespace {

using ::executorch::runtime::Kernel;

// ExecuTorch calls a kernel by a plain function pointer: one function an op, which knows its place in the list.
constexpr size_t kOps = 21;
constexpr char kNamespace[] = "mobilekernels::";

template <size_t i>
void kernel_of(KernelContext& context, Stack stack) {
  const Signature& signature = ops()[i];
  ::executorch::runtime::internal::EventTracerProfileOpScope scope(context.internal_event_tracer(),
                                                                   signature.overload.c_str());
  call_op(context, signature, stack);
}

void segment_kernel(KernelContext& context, Stack stack) {
  ::executorch::runtime::internal::EventTracerProfileOpScope scope(context.internal_event_tracer(), kSegmentOverload);
  call_segment(context, stack);
}

template <size_t... i>
std::vector<Kernel> make_kernels(std::index_sequence<i...>) {
  std::vector<Kernel> kernels = {Kernel(ops().at(i).overload.c_str(), kernel_of<i>)...};
  kernels.emplace_back(kSegmentOverload, segment_kernel);
  return kernels;
}

std::string register_all() {
  if (ops().size() != kOps) return "library.cc does not know how many ops there are";
  // Not registry_has_op_function: that logs an error for each name it does not find.
  for (const Kernel& kernel : ::executorch::runtime::get_registered_kernels()) {
    if (std::strncmp(kernel.name_, kNamespace, std::strlen(kNamespace)) == 0) {
      return std::string(kernel.name_) + " is registered already: another copy of this library is in the process";
    }
  }
  const std::vector<Kernel> kernels = make_kernels(std::make_index_sequence<kOps>());
  const Error error = ::executorch::runtime::register_kernels({kernels.data(), kernels.size()});
  return error == Error::Ok ? "" : std::string("ExecuTorch: ") + ::executorch::runtime::to_string(error);
}

const std::string& refusal() {
  static const std::string text = register_all();
  return text;
}

// When the library is loaded. Linking it is enough.
[[maybe_unused]] const bool registered = [] {
  if (!refusal().empty()) ET_LOG(Error, "mobilekernels: %s", refusal().c_str());
  return refusal().empty();
}();

std::vector<const char*> sorted_names() {
  std::vector<const char*> names = {kSegmentOverload};
  for (const Signature& signature : ops()) names.push_back(signature.overload.c_str());
  std::sort(names.begin(), names.end(), [](const char* a, const char* b) { return std::strcmp(a, b) < 0; });
  names.push_back(nullptr);
  return names;
}

}  // namespace
}  // namespace mobilekernels::executorch_face

using namespace mobilekernels;

const char* mobilekernels_executorch_version() { return MOBILEKERNELS_VERSION; }

const char* const* mobilekernels_executorch_ops() {
  static const std::vector<const char*> names = executorch_face::sorted_names();
  return names.data();
}

const char* mobilekernels_executorch_refusal() { return executorch_face::refusal().c_str(); }

const char* mobilekernels_executorch_last_error() { return executorch_face::last_error().c_str(); }

const char* mobilekernels_executorch_check_file(const void* data, size_t bytes) {
  forget_checked();
  thread_local std::string problem;
  const Status status = executorch_face::check_trailer(data, bytes);
  problem = status.ok() ? "" : error_text(status);
  return problem.c_str();
}
