#include "kernels/gemm/gemm.h"

#include <pybind11/stl.h>

#include <cstdlib>
#include <memory>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kFunction = "gemm";

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Rows of `k` values in the kernel's own element type, zero past the last k. The end of the buffer is the end of
// the last row, so a checker of memory sees a kernel that reads on.
struct PackedRows {
  size_t quads;
  size_t stride;  // bytes
  std::unique_ptr<void, Free> data;

  PackedRows(const GemmKernel& kernel, const int8_t* a, size_t rows, size_t k)
      : quads((k + kQuad - 1) / kQuad), stride(quads * kQuad * kernel.element_bytes) {
    constexpr size_t kAlignment = 64;
    const size_t bytes = (rows * stride + kAlignment - 1) / kAlignment * kAlignment;
    data.reset(std::aligned_alloc(kAlignment, bytes == 0 ? kAlignment : bytes));
    if (data == nullptr) throw std::bad_alloc();
    for (size_t row = 0; row < rows; ++row) {
      char* to = static_cast<char*>(data.get()) + row * stride;
      kernel.pack(to, a + row * k, k);
      kernel.fill(to + k * kernel.element_bytes, 0, quads * kQuad - k);
    }
  }
};

// Rows and channels are those of `out`: int8, or float32 for the unquantized result.
double gemm(const std::string& isa, const py::array& a, const py::array& packed, const RangeTuple& range,
            py::array& out, const std::optional<ResidualTuple>& residual, size_t group, int repeats) {
  const auto& kernel = find_kernel<GemmKernel>(kFunction, isa);
  const int8_t* rows = input<int8_t>(kFunction, "a", a, 2);
  const PackedWeight weight = open(kFunction, packed);
  const PackedHeader& h = weight.header;
  require(h.format == PackedFormat::dense, kFunction, "packed", "weights of another format", "dense weights");
  require(group < h.groups, kFunction, "group", std::to_string(group), "less than " + std::to_string(h.groups));
  const size_t k = size_t{h.in_channels / h.groups} * h.kernel_h * h.kernel_w;
  require(static_cast<size_t>(a.shape(1)) == k, kFunction, "a", "shape " + shape_text(a),
          "[rows, " + std::to_string(k) + "]");

  GemmArgs args{};
  if (is_dtype<float>(out)) {
    const OutputRows<float> to(kFunction, "out", out);
    args.out_float = to.data;
    args.out_stride = to.stride;
  } else {
    const OutputRows<int8_t> to(kFunction, "out", out);
    args.out = to.data;
    args.out_stride = to.stride;
  }
  args.rows = static_cast<size_t>(out.shape(0));
  args.channels = static_cast<size_t>(out.shape(1));
  const size_t group_out = h.out_channels / h.groups;
  require(args.rows <= static_cast<size_t>(a.shape(0)) && args.channels <= group_out, kFunction, "out",
          "shape " + shape_text(out),
          "at most [" + std::to_string(a.shape(0)) + ", " + std::to_string(group_out) + "]");

  const PackedRows packed_rows(kernel, rows, args.rows, k);
  args.quads = packed_rows.quads;
  args.a = packed_rows.data.get();
  args.a_stride = packed_rows.stride;
  const size_t first = group * (weight.channels / h.groups);
  args.w = weight.weights + first * args.quads * kQuad;
  ResidualAdd add{};
  if (residual.has_value()) add = residual_add(kFunction, *residual, args.rows, args.channels);
  args.epilogue = {weight.bias + first, weight.wsum + first, weight.scale + first,
                   output_range(kFunction, "range", range), residual.has_value() ? &add : nullptr};
  return shortest_run(kFunction, repeats, [&] { kernel.run(args); });
}

// (mr, nr, element_bytes, int8_rows)
py::tuple gemm_tile(const std::string& isa) {
  const auto& kernel = find_kernel<GemmKernel>(kFunction, isa);
  return py::make_tuple(kernel.mr, kernel.nr, kernel.element_bytes, kernel.int8_rows);
}

}  // namespace

void bind_gemm(py::module_& module) {
  module.def("gemm", &gemm, py::arg("isa"), py::arg("a"), py::arg("packed"), py::arg("range"), py::arg("out"),
             py::arg("residual") = py::none(), py::arg("group") = 0, py::arg("repeats") = 1,
             "out[r][c] = requantize(a [rows, k] . packed): out is int8 or float32 [rows, channels] with any row "
             "stride; range is (zero_point, lo, hi); residual is (int8 [rows, channels], main_scale, residual_scale, "
             "residual_zero_point, range). Returns the shortest of `repeats` times in seconds.");
  module.def("gemm_tile", &gemm_tile, py::arg("isa"), "(mr, nr, element_bytes, int8_rows) of the kernel");
}

}  // namespace mobilekernels::python_face
