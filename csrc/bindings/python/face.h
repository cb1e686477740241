// The parts of the extension module `_core`: one function a file adds its part to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace mobilekernels::python_face {

void bind_dispatch(pybind11::module_& module);
void bind_packing(pybind11::module_& module);
void bind_gemm(pybind11::module_& module);
void bind_depthwise(pybind11::module_& module);
void bind_elementwise(pybind11::module_& module);
void bind_pool(pybind11::module_& module);
void bind_spgemm(pybind11::module_& module);
void bind_spgemm_f32(pybind11::module_& module);
void bind_segment(pybind11::module_& module);

}  // namespace mobilekernels::python_face
