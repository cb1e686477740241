// A Status as the Python exception that its code names.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "runtime/status.h"

namespace mobilekernels::python_face {

inline void check(const Status& status) {
  if (status.ok()) return;
  namespace py = pybind11;
  const auto raise = [&status](py::handle type) {
    py::set_error(type, status.message.c_str());
    throw py::error_already_set();
  };
  switch (status.code) {
    case StatusCode::type_error:
      raise(PyExc_TypeError);
      break;
    case StatusCode::not_implemented:
      raise(PyExc_NotImplementedError);
      break;
    case StatusCode::format_error:
      raise(py::module_::import("mobilekernels.errors").attr("FormatError"));
      break;
    default:
      raise(PyExc_ValueError);
  }
}

inline std::string argument_message(const std::string& function, const std::string& argument, const std::string& given,
                                    const std::string& accepted) {
  return function + ": " + argument + ": given " + given + ", accepted " + accepted;
}

inline void require(bool ok, const char* function, const char* argument, const std::string& given,
                    const std::string& accepted) {
  if (!ok) check(value_error(argument_message(function, argument, given, accepted)));
}

}  // namespace mobilekernels::python_face
