#include "kernels/spgemm_f32/spgemm_f32.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kFunction = "spgemm_f32";

// Rows [first, first + pixels) of `k` values, as a panel.
std::vector<float> panel_of(const SpgemmF32Kernel& kernel, const float* a, size_t first, size_t pixels, size_t k) {
  const size_t stride = (pixels + kernel.vector - 1) / kernel.vector * kernel.vector;
  std::vector<float> panel((k + kQuad - 1) / kQuad * kQuad * stride);
  kernel.transpose({a + first * k, k, pixels, k, panel.data(), stride});
  return panel;
}

// `out` [channels, pixels]; of one pixel that is no panel, by the kernel of rows.
void spgemm_f32(const std::string& isa, const py::array& a, const py::array& packed,
                const std::tuple<float, float>& range, py::array& out, size_t group,
                const std::optional<size_t>& panel_pixels) {
  const auto& kernel = find_kernel<SpgemmF32Kernel>(kFunction, isa);
  const float* rows = input<float>(kFunction, "a", a, 2);
  const PackedWeight weight = open(kFunction, packed);
  const PackedHeader& h = weight.header;
  check(check_weight_type(kFunction, h, true));
  require(group < h.groups, kFunction, "group", std::to_string(group), "less than " + std::to_string(h.groups));
  const size_t k = size_t{h.in_channels / h.groups} * h.kernel_h * h.kernel_w;
  require(static_cast<size_t>(a.shape(1)) == k, kFunction, "a", "shape " + shape_text(a),
          "[rows, " + std::to_string(k) + "]");
  const OutputRows<float> to(kFunction, "out", out);
  const size_t group_out = h.out_channels / h.groups;
  require(to.columns <= static_cast<size_t>(a.shape(0)) && to.rows <= group_out, kFunction, "out",
          "shape " + shape_text(out),
          "at most [" + std::to_string(group_out) + ", " + std::to_string(a.shape(0)) + "]");
  const size_t most = kernel.most_pixels((k + kQuad - 1) / kQuad * kQuad, h.block_channels);
  const size_t width = panel_pixels.value_or(most);
  require(width > 0 && width <= most && width % kernel.vector == 0, kFunction, "panel_pixels", std::to_string(width),
          "a multiple of " + std::to_string(kernel.vector) + " up to " + std::to_string(most));

  SpgemmF32Args args{};
  args.channels = to.rows;
  args.block_channels = h.block_channels;
  const size_t first = group * (weight.channels / h.groups);
  args.begin = weight.block_begin + first / h.block_channels;
  args.quad = weight.block_quad;
  args.w = weight.weights_f32;
  args.bias = weight.bias_f32 + first;
  args.lo = std::get<0>(range);
  args.hi = std::get<1>(range);
  require(args.lo <= args.hi, kFunction, "range", "others", "lo <= hi");
  if (to.columns == 1 && kernel.run_row != nullptr && !panel_pixels.has_value()) {
    std::vector<float> row(rows, rows + k), channels(to.rows);
    row.resize((k + kQuad - 1) / kQuad * kQuad);
    args.pixels = 1;
    args.panel = row.data();
    args.out = channels.data();
    kernel.run_row(args);
    for (size_t c = 0; c < to.rows; ++c) to.data[c * to.stride] = channels[c];
    return;
  }
  args.out_stride = to.stride;
  for (size_t p = 0; p < to.columns; p += width) {
    args.pixels = std::min(width, to.columns - p);
    const std::vector<float> panel = panel_of(kernel, rows, p, args.pixels, k);
    args.panel = panel.data();
    args.out = to.data + p;
    kernel.run(args);
  }
}

// (pixels of a vector, pixels of the widest panel)
py::tuple spgemm_f32_panel(const std::string& isa, size_t k, size_t block_channels) {
  const auto& kernel = find_kernel<SpgemmF32Kernel>(kFunction, isa);
  return py::make_tuple(kernel.vector, kernel.most_pixels(k, block_channels));
}

}  // namespace

void bind_spgemm_f32(py::module_& module) {
  module.def("spgemm_f32", &spgemm_f32, py::arg("isa"), py::arg("a"), py::arg("packed"), py::arg("range"),
             py::arg("out"), py::arg("group") = 0, py::arg("panel_pixels") = py::none(),
             "float32 rows by block-sparse weights, into [channels, rows], in panels of panel_pixels rows (None: the "
             "widest, or one plain row)");
  module.def("spgemm_f32_panel", &spgemm_f32_panel, py::arg("isa"), py::arg("k"), py::arg("block_channels"),
             "(vector, widest panel) of the kernel, in pixels");
}

}  // namespace mobilekernels::python_face
