#include "runtime/dispatch.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "bindings/python/error.h"
#include "bindings/python/face.h"
#include "bindings/python/planned_kernels.h"

namespace mobilekernels::python_face {
namespace {

namespace py = pybind11;

const void* chosen(const char* family) {
#define MOBILEKERNELS_CHOSEN(type, name) \
  if (std::strcmp(family, #name) == 0) return &select_##name();
  MOBILEKERNELS_FOR_EACH_FAMILY(MOBILEKERNELS_CHOSEN)
#undef MOBILEKERNELS_CHOSEN
  return nullptr;
}

// Null where this build does not have it.
const void* built_kernel(const char* family, Isa isa) {
  size_t count = 0;
  const KernelEntry* entries = kernel_entries(&count);
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].isa == isa && std::strcmp(entries[i].family, family) == 0) return entries[i].kernel;
  }
  return nullptr;
}

// (family, isa, built, runnable, chosen)
std::vector<py::tuple> kernels() {
  std::vector<py::tuple> rows;
  for (const auto& [family, isa] : planned_kernels()) {
    const void* kernel = built_kernel(family, isa);
    rows.push_back(py::make_tuple(family, isa_name(isa), kernel != nullptr, isa_runnable(isa),
                                  kernel != nullptr && kernel == chosen(family)));
  }
  return rows;
}

// Why an ISA is not in this build, as CMake found it (cmake/python.cmake): "isa=reason|..."
py::dict not_built_reasons() {
  py::dict reasons;
  const std::string all = MOBILEKERNELS_NOT_BUILT_REASONS;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find('|', begin), all.size());
    const size_t equals = all.find('=', begin);
    reasons[py::str(all.substr(begin, equals - begin))] = all.substr(equals + 1, end - equals - 1);
    begin = end + 1;
  }
  return reasons;
}

py::dict runnable() {
  py::dict isas;
  for (int i = 0; i < kIsaCount; ++i) isas[isa_name(static_cast<Isa>(i))] = isa_runnable(static_cast<Isa>(i));
  return isas;
}

}  // namespace

void bind_dispatch(py::module_& module) {
  module.def("kernels", &kernels, "(family, isa, built, runnable, chosen) of every kernel in the sources");
  module.def("not_built_reasons", &not_built_reasons, "isa -> why this build lacks it");
  module.def("runnable", &runnable, "isa -> whether this CPU and operating system can run it");
  module.def("isa_cap", [] { return isa_name(isa_cap()); }, "the best ISA that may be used");
  module.def(
      "set_isa_cap", [](const std::string& name) { check(set_isa_cap(name)); }, py::arg("name"),
      "caps the ISA for the whole process; '' takes the cap away");
  module.def("check_environment", [] { check(environment_error()); }, "raises where MOBILEKERNELS_ISA names no ISA");
}

}  // namespace mobilekernels::python_face
