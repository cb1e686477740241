#include "kernels/pool/pool.h"

#include <vector>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

// Pointers to x[0], x[1], ...
std::vector<const int8_t*> row_pointers(const char* function, const py::array& x, int rank) {
  const int8_t* data = input<int8_t>(function, "x", x, rank);
  std::vector<const int8_t*> rows(static_cast<size_t>(x.shape(0)));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = data + i * static_cast<size_t>(x.strides(0));
  return rows;
}

void pool_max_line(const std::string& isa, const py::array& x, size_t first, size_t columns, size_t column_step,
                   size_t pixels, size_t pixel_step, py::array& out) {
  constexpr const char* kFunction = "pool_max_line";
  constexpr size_t kMost = 1 << 20;  // no product of two wraps
  const std::vector<const int8_t*> rows = row_pointers(kFunction, x, 3);
  const auto width = static_cast<size_t>(x.shape(1)), channels = static_cast<size_t>(x.shape(2));
  require(x.size() > 0, kFunction, "x", "shape " + shape_text(x), "at least one pixel");
  const auto require_size = [&](const char* argument, size_t value, size_t least) {
    require(least <= value && value <= kMost, kFunction, argument, std::to_string(value),
            std::to_string(least) + " to " + std::to_string(kMost));
  };
  require_size("first", first, 0);
  require_size("columns", columns, 1);
  require_size("column_step", column_step, 0);
  require_size("pixels", pixels, 1);
  require_size("pixel_step", pixel_step, 0);
  const size_t last = first + (pixels - 1) * pixel_step + (columns - 1) * column_step;
  require(last < width, kFunction, "x", "shape " + shape_text(x), "a width over " + std::to_string(last));
  int8_t* to = output<int8_t>(kFunction, "out", out, pixels * channels);
  find_kernel<PoolKernels>("pool", isa)
      .max_line({channels, rows.data(), rows.size(), columns, pixels, first * channels, column_step * channels,
                 pixel_step * channels, to});
}

void pool_accumulate(const std::string& isa, const py::array& x, py::array& sums) {
  constexpr const char* kFunction = "pool_accumulate";
  const std::vector<const int8_t*> pixels = row_pointers(kFunction, x, 2);
  const auto channels = static_cast<size_t>(x.shape(1));
  auto* to = output<int32_t>(kFunction, "sums", sums, channels);
  find_kernel<PoolKernels>("pool", isa).accumulate(channels, pixels.data(), pixels.size(), to);
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
  module.def("pool_max_line", &pool_max_line, py::arg("isa"), py::arg("x"), py::arg("first"), py::arg("columns"),
             py::arg("column_step"), py::arg("pixels"), py::arg("pixel_step"), py::arg("out"),
             "int8 [rows, width, channels] -> [pixels * channels]; tap (i, j) of pixel p is "
             "x[i, first + p * pixel_step + j * column_step]");
  module.def("pool_accumulate", &pool_accumulate, py::arg("isa"), py::arg("x"), py::arg("sums"),
             "sums int32 [channels] += x int8 [count, channels] over its rows");
  module.def("pool_finish", &pool_finish, py::arg("isa"), py::arg("sums"), py::arg("offset"), py::arg("scale"),
             py::arg("range"), py::arg("out"), "int32 [channels] -> int8 [channels]");
}

}  // namespace mobilekernels::python_face
