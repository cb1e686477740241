#include "bindings/python/face.h"

PYBIND11_MODULE(_core, module) {
  using namespace mobilekernels::python_face;
  module.doc() =
      "The torch-free core: which kernels there are, packed weights, and direct calls of single kernels on NumPy "
      "arrays for tests and benchmarks.";
  bind_dispatch(module);
  bind_packing(module);
  bind_gemm(module);
  bind_depthwise(module);
  bind_elementwise(module);
  bind_pool(module);
  bind_spgemm(module);
  bind_spgemm_f32(module);
  bind_segment(module);
}
