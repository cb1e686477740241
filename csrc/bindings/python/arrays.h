// NumPy arrays as the kernels read and write them. Nothing is converted or copied: another dtype is an error.
#pragma once

#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "bindings/python/error.h"

namespace mobilekernels::python_face {

namespace py = pybind11;

inline std::string shape_text(const py::array& array) {
  std::string text;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(array.shape(i));
  return "[" + text + "]";
}

template <typename T>
void require_dtype(const char* function, const char* argument, const py::array& array) {
  if (array.dtype().is(py::dtype::of<T>())) return;
  check(type_error(argument_message(function, argument, py::cast<std::string>(py::str(array.dtype())),
                                    py::cast<std::string>(py::str(py::dtype::of<T>())))));
}

inline void require_rank(const char* function, const char* argument, const py::array& array, py::ssize_t rank) {
  require(array.ndim() == rank, function, argument, "shape " + shape_text(array), std::to_string(rank) + " dimensions");
}

// A C-contiguous array of `rank` dimensions to read.
template <typename T>
const T* input(const char* function, const char* argument, const py::array& array, py::ssize_t rank) {
  require_dtype<T>(function, argument, array);
  require_rank(function, argument, array, rank);
  require((array.flags() & py::array::c_style) != 0, function, argument, "a strided array", "a C-contiguous array");
  return static_cast<const T*>(array.data());
}

// Rows to write: the last dimension contiguous, any distance between rows, so that guard bytes can lie between.
template <typename T>
struct OutputRows {
  T* data;
  size_t rows;
  size_t columns;
  size_t stride;  // elements

  OutputRows(const char* function, const char* argument, py::array& array) {
    require_dtype<T>(function, argument, array);
    require_rank(function, argument, array, 2);
    require(array.writeable(), function, argument, "a read-only array", "a writeable array");
    rows = static_cast<size_t>(array.shape(0));
    columns = static_cast<size_t>(array.shape(1));
    constexpr auto kSize = static_cast<py::ssize_t>(sizeof(T));
    const bool packed_columns = columns <= 1 || array.strides(1) == kSize;
    const bool whole_rows = array.strides(0) % kSize == 0 && (rows <= 1 || array.strides(0) >= array.shape(1) * kSize);
    require(packed_columns && whole_rows, function, argument, "strides that interleave rows",
            "rows whose values are contiguous");
    stride = rows <= 1 ? columns : static_cast<size_t>(array.strides(0) / kSize);
    data = static_cast<T*>(array.mutable_data());
  }
};

// A contiguous vector of exactly `n` values to write.
template <typename T>
T* output(const char* function, const char* argument, py::array& array, size_t n) {
  require_dtype<T>(function, argument, array);
  require_rank(function, argument, array, 1);
  require(array.writeable(), function, argument, "a read-only array", "a writeable array");
  require((array.flags() & py::array::c_style) != 0, function, argument, "a strided array", "a C-contiguous array");
  require(static_cast<size_t>(array.shape(0)) == n, function, argument, "shape " + shape_text(array),
          "[" + std::to_string(n) + "]");
  return static_cast<T*>(array.mutable_data());
}

template <typename T>
bool is_dtype(const py::array& array) {
  return array.dtype().is(py::dtype::of<T>());
}

}  // namespace mobilekernels::python_face
