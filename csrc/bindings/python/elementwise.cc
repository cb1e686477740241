#include "kernels/elementwise/elementwise.h"

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

// An operand of add or mul: n values, or one that is repeated.
ElementwiseOperand operand(const char* function, const char* argument, const py::array& data, size_t n,
                           int64_t zero_point, double scale) {
  const int8_t* values = input<int8_t>(function, argument, data, 1);
  const auto size = static_cast<size_t>(data.shape(0));
  require(size == n || size == 1, function, argument, "shape " + shape_text(data),
          "[" + std::to_string(n) + "] or [1]");
  return {values, size == 1 && n != 1 ? size_t{0} : size_t{1}, code(function, argument, zero_point),
          static_cast<float>(scale)};
}

size_t length(const py::array& out) { return out.ndim() == 1 ? static_cast<size_t>(out.shape(0)) : 0; }

void add(const std::string& isa, const py::array& a, const py::array& b, int64_t a_zero_point, double a_scale,
         int64_t b_zero_point, double b_scale, const RangeTuple& range, py::array& out) {
  constexpr const char* kFunction = "add";
  const size_t n = length(out);
  int8_t* to = output<int8_t>(kFunction, "out", out, n);
  find_kernel<ElementwiseKernels>("elementwise", isa)
      .add(n, operand(kFunction, "a", a, n, a_zero_point, a_scale),
           operand(kFunction, "b", b, n, b_zero_point, b_scale), output_range(kFunction, "range", range), to);
}

void mul(const std::string& isa, const py::array& a, const py::array& b, int64_t a_zero_point, int64_t b_zero_point,
         double scale, const RangeTuple& range, py::array& out) {
  constexpr const char* kFunction = "mul";
  const size_t n = length(out);
  int8_t* to = output<int8_t>(kFunction, "out", out, n);
  find_kernel<ElementwiseKernels>("elementwise", isa)
      .mul(n, operand(kFunction, "a", a, n, a_zero_point, 1.0), operand(kFunction, "b", b, n, b_zero_point, 1.0),
           static_cast<float>(scale), output_range(kFunction, "range", range), to);
}

void lut(const std::string& isa, const py::array& x, const py::array& table, py::array& out) {
  constexpr const char* kFunction = "lut";
  const int8_t* data = input<int8_t>(kFunction, "x", x, 1);
  const int8_t* entries = input<int8_t>(kFunction, "table", table, 1);
  require(table.shape(0) == 256, kFunction, "table", "shape " + shape_text(table), "[256]");
  int8_t* to = output<int8_t>(kFunction, "out", out, static_cast<size_t>(x.shape(0)));
  find_kernel<ElementwiseKernels>("elementwise", isa).lut(static_cast<size_t>(x.shape(0)), data, entries, to);
}

void quantize(const std::string& isa, const py::array& x, double inverse_scale, const RangeTuple& range,
              py::array& out) {
  constexpr const char* kFunction = "quantize";
  const auto* data = input<float>(kFunction, "x", x, 1);
  int8_t* to = output<int8_t>(kFunction, "out", out, static_cast<size_t>(x.shape(0)));
  find_kernel<ElementwiseKernels>("elementwise", isa)
      .quantize(static_cast<size_t>(x.shape(0)), data, static_cast<float>(inverse_scale),
                output_range(kFunction, "range", range), to);
}

void quantize3(const std::string& isa, const py::array& x, double inverse_scale, const RangeTuple& range,
               py::array& out) {
  constexpr const char* kFunction = "quantize3";
  const auto* data = input<float>(kFunction, "x", x, 2);
  require(x.shape(0) == 3, kFunction, "x", "shape " + shape_text(x), "[3, n]");
  const auto n = static_cast<size_t>(x.shape(1));
  int8_t* to = output<int8_t>(kFunction, "out", out, 3 * n);
  const float* const planes[3] = {data, data + n, data + 2 * n};
  find_kernel<ElementwiseKernels>("elementwise", isa)
      .quantize3(n, planes, static_cast<float>(inverse_scale), output_range(kFunction, "range", range), to);
}

void dequantize(const std::string& isa, const py::array& x, double scale, int64_t zero_point, py::array& out) {
  constexpr const char* kFunction = "dequantize";
  const int8_t* data = input<int8_t>(kFunction, "x", x, 1);
  auto* to = output<float>(kFunction, "out", out, static_cast<size_t>(x.shape(0)));
  find_kernel<ElementwiseKernels>("elementwise", isa)
      .dequantize(static_cast<size_t>(x.shape(0)), data, static_cast<float>(scale),
                  code(kFunction, "zero_point", zero_point), to);
}

void interleave2(const std::string& isa, const py::array& x, py::array& out) {
  constexpr const char* kFunction = "interleave2";
  const int8_t* data = input<int8_t>(kFunction, "x", x, 3);
  require(x.shape(1) == 2, kFunction, "x", "shape " + shape_text(x), "[rows, 2, n]");
  const auto rows = static_cast<size_t>(x.shape(0)), n = static_cast<size_t>(x.shape(2));
  int8_t* to = output<int8_t>(kFunction, "out", out, rows * 2 * n);
  find_kernel<ElementwiseKernels>("elementwise", isa).interleave2(rows, n, data, to);
}

// (lo, hi) as keys, of 0 and the values
py::tuple widen(const std::string& isa, const py::array& x) {
  const auto* data = input<float>("widen", "x", x, 1);
  FloatSpan span{0, 0};
  find_kernel<ElementwiseKernels>("elementwise", isa).widen(static_cast<size_t>(x.shape(0)), data, &span);
  return py::make_tuple(span.lo, span.hi);
}

}  // namespace

void bind_elementwise(py::module_& module) {
  module.def("add", &add, py::arg("isa"), py::arg("a"), py::arg("b"), py::arg("a_zero_point"), py::arg("a_scale"),
             py::arg("b_zero_point"), py::arg("b_scale"), py::arg("range"), py::arg("out"),
             "int8 [n] or [1] each; scales are those of the operands over the output's");
  module.def("mul", &mul, py::arg("isa"), py::arg("a"), py::arg("b"), py::arg("a_zero_point"), py::arg("b_zero_point"),
             py::arg("scale"), py::arg("range"), py::arg("out"), "int8 [n] or [1] each");
  module.def("lut", &lut, py::arg("isa"), py::arg("x"), py::arg("table"), py::arg("out"), "int8 [n], int8 [256]");
  module.def("quantize", &quantize, py::arg("isa"), py::arg("x"), py::arg("inverse_scale"), py::arg("range"),
             py::arg("out"), "float32 [n] -> int8 [n]");
  module.def("quantize3", &quantize3, py::arg("isa"), py::arg("x"), py::arg("inverse_scale"), py::arg("range"),
             py::arg("out"), "float32 [3, n] -> int8 [3 * n], the planes interleaved");
  module.def("dequantize", &dequantize, py::arg("isa"), py::arg("x"), py::arg("scale"), py::arg("zero_point"),
             py::arg("out"), "int8 [n] -> float32 [n]");
  module.def("interleave2", &interleave2, py::arg("isa"), py::arg("x"), py::arg("out"),
             "int8 [rows, 2, n] -> [rows * n * 2], the two of each row interleaved");
  module.def("widen", &widen, py::arg("isa"), py::arg("x"),
             "float32 [n] -> the smallest and the largest of 0 and the values, as keys (FloatSpan)");
}

}  // namespace mobilekernels::python_face
