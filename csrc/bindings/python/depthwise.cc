#include "kernels/depthwise/depthwise.h"

#include <pybind11/stl.h>

#include <vector>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kFunction = "depthwise";

// Pixels and channels are those of `out`: int8, or float32 for the unquantized result.
double depthwise(const std::string& isa, const py::array& x, const py::array& packed, const RangeTuple& range,
                 py::array& out, const std::optional<ResidualTuple>& residual, int repeats) {
  const auto& kernel = find_kernel<DepthwiseKernel>(kFunction, isa);
  const int8_t* data = input<int8_t>(kFunction, "x", x, 3);
  const PackedWeight weight = open(kFunction, packed);
  const PackedHeader& h = weight.header;
  require(h.format == PackedFormat::depthwise, kFunction, "packed", "dense weights", "depthwise weights");
  DepthwiseArgs args{};
  args.taps = size_t{h.kernel_h} * h.kernel_w;
  require(static_cast<size_t>(x.shape(1)) == args.taps, kFunction, "x", "shape " + shape_text(x),
          "[pixels, " + std::to_string(args.taps) + ", channels]");
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
  const size_t channels = std::min(static_cast<size_t>(x.shape(2)), size_t{h.out_channels});
  require(args.pixels <= static_cast<size_t>(x.shape(0)) && args.channels <= channels, kFunction, "out",
          "shape " + shape_text(out), "at most [" + std::to_string(x.shape(0)) + ", " + std::to_string(channels) + "]");

  std::vector<const int8_t*> taps(args.pixels * args.taps);
  for (size_t i = 0; i < taps.size(); ++i) taps[i] = data + i * static_cast<size_t>(x.shape(2));
  args.input = taps.data();
  args.input_step = args.taps;
  args.w = weight.weights;
  ResidualAdd add{};
  if (residual.has_value()) add = residual_add(kFunction, *residual, args.pixels, args.channels);
  args.epilogue = {weight.bias, weight.wsum, weight.scale, output_range(kFunction, "range", range),
                   residual.has_value() ? &add : nullptr};
  return shortest_run(kFunction, repeats, [&] { kernel.run(args); });
}

}  // namespace

void bind_depthwise(py::module_& module) {
  module.def("depthwise", &depthwise, py::arg("isa"), py::arg("x"), py::arg("packed"), py::arg("range"), py::arg("out"),
             py::arg("residual") = py::none(), py::arg("repeats") = 1,
             "out[p][c] = requantize(sum over the taps of x [pixels, taps, channels] * packed); the rest as gemm");
}

}  // namespace mobilekernels::python_face
