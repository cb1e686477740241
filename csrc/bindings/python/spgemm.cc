#include "kernels/spgemm/spgemm.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kFunction = "spgemm";

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char, Free>;

Memory allocate(size_t bytes) {
  constexpr size_t kAlignment = 64;
  Memory memory(static_cast<char*>(std::aligned_alloc(kAlignment, bytes / kAlignment * kAlignment + kAlignment)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Rows of `k` values as the kernel's panels, or as one plain row for kernels that read one.
Memory write_panels(const SpgemmKernel& kernel, const int8_t* a, size_t rows, size_t k, size_t panel_pixels, bool row) {
  const size_t quads = (k + kQuad - 1) / kQuad;
  std::vector<int8_t> padded(std::max<size_t>(rows, 1) * quads * kQuad);
  for (size_t r = 0; r < rows; ++r) std::copy_n(a + r * k, k, &padded[r * quads * kQuad]);
  const uint8_t flip = kernel.u8 ? 0x80 : 0;
  if (row) {
    Memory plain = allocate(padded.size());
    for (size_t i = 0; i < padded.size(); ++i) plain.get()[i] = static_cast<char>(padded[i] ^ flip);
    return plain;
  }
  Memory panels = allocate((rows + kernel.vector) * quads * kQuad);
  for (size_t first = 0; first < rows; first += panel_pixels) {
    const size_t pixels = std::min(panel_pixels, rows - first);
    std::vector<const int8_t*> pointers((pixels + kernel.vector - 1) / kernel.vector * kernel.vector);
    for (size_t p = 0; p < pointers.size(); ++p) pointers[p] = &padded[(p < pixels ? first + p : 0) * quads * kQuad];
    kernel.pack({panels.get() + first * quads * kQuad, pointers.size(), quads, pointers.data(), flip});
  }
  return panels;
}

// Rows and channels are those of `out`: int8, or float32 for the unquantized result.
double spgemm(const std::string& isa, const py::array& a, const py::array& packed, const RangeTuple& range,
              py::array& out, const std::optional<ResidualTuple>& residual, size_t group,
              const std::optional<size_t>& panel_pixels, int repeats) {
  const auto& kernel = find_kernel<SpgemmKernel>(kFunction, isa);
  const int8_t* rows = input<int8_t>(kFunction, "a", a, 2);
  const PackedWeight weight = open(kFunction, packed);
  const PackedHeader& h = weight.header;
  require(h.format == PackedFormat::block_sparse, kFunction, "packed", "weights of another format",
          "block-sparse weights");
  require(group < h.groups, kFunction, "group", std::to_string(group), "less than " + std::to_string(h.groups));
  const size_t k = size_t{h.in_channels / h.groups} * h.kernel_h * h.kernel_w;
  require(static_cast<size_t>(a.shape(1)) == k, kFunction, "a", "shape " + shape_text(a),
          "[rows, " + std::to_string(k) + "]");

  SpgemmArgs args{};
  if (is_dtype<float>(out)) {
    const OutputRows<float> to(kFunction, "out", out);
    args.out_float = to.data;
    args.out_stride = to.stride;
  } else {
    const OutputRows<int8_t> to(kFunction, "out", out);
    args.out = to.data;
    args.out_stride = to.stride;
  }
  args.pixels = static_cast<size_t>(out.shape(0));
  args.channels = static_cast<size_t>(out.shape(1));
  const size_t group_out = h.out_channels / h.groups;
  require(args.pixels <= static_cast<size_t>(a.shape(0)) && args.channels <= group_out, kFunction, "out",
          "shape " + shape_text(out),
          "at most [" + std::to_string(a.shape(0)) + ", " + std::to_string(group_out) + "]");

  args.quads = (k + kQuad - 1) / kQuad;
  args.block_channels = h.block_channels;
  const size_t most = kernel.most_pixels(args.quads, args.block_channels);
  args.panel_pixels = panel_pixels.value_or(most);
  require(args.panel_pixels > 0 && args.panel_pixels <= most && args.panel_pixels % kernel.vector == 0, kFunction,
          "panel_pixels", std::to_string(args.panel_pixels),
          "a multiple of " + std::to_string(kernel.vector) + " up to " + std::to_string(most));
  const bool row = args.pixels == 1 && kernel.run_row != nullptr && !panel_pixels.has_value();
  const Memory panels = write_panels(kernel, rows, args.pixels, k, args.panel_pixels, row);
  args.panels = panels.get();
  const size_t first = group * (weight.channels / h.groups);
  args.begin = weight.block_begin + first / h.block_channels;
  args.quad = weight.block_quad;
  args.w = weight.weights;
  const Memory scratch = allocate(spgemm_scratch_bytes(args.quads));
  args.scratch = scratch.get();
  ResidualAdd add{};
  if (residual.has_value()) add = residual_add(kFunction, *residual, args.pixels, args.channels);
  args.epilogue = {weight.bias + first, weight.wsum + first, weight.scale + first,
                   output_range(kFunction, "range", range), residual.has_value() ? &add : nullptr};
  return shortest_run(kFunction, repeats, [&] { row ? kernel.run_row(args) : kernel.run(args); });
}

// (pixels of a vector, pixels of the widest panel)
py::tuple spgemm_panel(const std::string& isa, size_t quads, size_t block_channels) {
  const auto& kernel = find_kernel<SpgemmKernel>(kFunction, isa);
  return py::make_tuple(kernel.vector, kernel.most_pixels(quads, block_channels));
}

}  // namespace

void bind_spgemm(py::module_& module) {
  module.def("spgemm", &spgemm, py::arg("isa"), py::arg("a"), py::arg("packed"), py::arg("range"), py::arg("out"),
             py::arg("residual") = py::none(), py::arg("group") = 0, py::arg("panel_pixels") = py::none(),
             py::arg("repeats") = 1,
             "gemm by block-sparse weights, in panels of panel_pixels rows (None: the widest, or one plain row)");
  module.def("spgemm_panel", &spgemm_panel, py::arg("isa"), py::arg("quads"), py::arg("block_channels"),
             "(vector, widest panel) of the kernel, in pixels");
}

}  // namespace mobilekernels::python_face
