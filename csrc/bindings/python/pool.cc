#include "kernels/pool/pool.h"

#include <vector>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

// Pointers to the rows of x [count, channels].
struct Pixels {
  std::vector<const int8_t*> rows;
  size_t channels;

  Pixels(const char* function, const py::array& x) {
    const int8_t* data = input<int8_t>(function, "x", x, 2);
    channels = static_cast<size_t>(x.shape(1));
    rows.resize(static_cast<size_t>(x.shape(0)));
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = data + i * channels;
  }
};

void pool_max(const std::string& isa, const py::array& x, py::array& out) {
  constexpr const char* kFunction = "pool_max";
  const Pixels pixels(kFunction, x);
  require(!pixels.rows.empty(), kFunction, "x", "shape " + shape_text(x), "at least one pixel");
  int8_t* to = output<int8_t>(kFunction, "out", out, pixels.channels);
  find_kernel<PoolKernels>("pool", isa)
      .max_line({pixels.channels, pixels.rows.data(), pixels.rows.size(), 1, 1, 0, 0, 0, to});
}

void pool_accumulate(const std::string& isa, const py::array& x, py::array& sums) {
  constexpr const char* kFunction = "pool_accumulate";
  const Pixels pixels(kFunction, x);
  auto* to = output<int32_t>(kFunction, "sums", sums, pixels.channels);
  find_kernel<PoolKernels>("pool", isa).accumulate(pixels.channels, pixels.rows.data(), pixels.rows.size(), to);
}

void pool_finish(const std::string& isa, const py::array& sums, int32_t offset, double scale, const RangeTuple& range,
                 py::array& out) {
  constexpr const char* kFunction = "pool_finish";
  const auto* from = input<int32_t>(kFunction, "sums", sums, 1);
  const auto channels = static_cast<size_t>(sums.shape(0));
  int8_t* to = output<int8_t>(kFunction, "out", out, channels);
  find_kernel<PoolKernels>("pool", isa)
      .finish(channels, from, offset, static_cast<float>(scale), output_range(kFunction, "range", range), to);
}

}  // namespace

void bind_pool(py::module_& module) {
  module.def("pool_max", &pool_max, py::arg("isa"), py::arg("x"), py::arg("out"),
             "int8 [count, channels] -> [channels]");
  module.def("pool_accumulate", &pool_accumulate, py::arg("isa"), py::arg("x"), py::arg("sums"),
             "sums int32 [channels] += x int8 [count, channels] over its rows");
  module.def("pool_finish", &pool_finish, py::arg("isa"), py::arg("sums"), py::arg("offset"), py::arg("scale"),
             py::arg("range"), py::arg("out"), "int32 [channels] -> int8 [channels]");
}

}  // namespace mobilekernels::python_face
