#include "kernels/depthwise/depthwise.h"

#include <pybind11/stl.h>

#include <cstdlib>
#include <memory>

#include "bindings/python/face.h"
#include "bindings/python/kernel_call.h"

namespace mobilekernels::python_face {
namespace {

constexpr const char* kFunction = "depthwise";

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

using Pair = std::tuple<size_t, size_t>;

Pair at_least(const char* argument, const Pair& pair, size_t least) {
  const auto [h, w] = pair;
  require(h >= least && w >= least, kFunction, argument, "(" + std::to_string(h) + ", " + std::to_string(w) + ")",
          "at least " + std::to_string(least));
  return pair;
}

// Rows row_begin .. of the output: `out` has their pixels, so many whole rows of out_w.
double depthwise(const std::string& isa, const py::array& x, const py::array& packed, const RangeTuple& range,
                 py::array& out, size_t out_w, const std::optional<ResidualTuple>& residual, const Pair& stride,
                 const Pair& dilation, const Pair& padding, size_t row_begin, int repeats) {
  const auto& kernel = find_kernel<DepthwiseKernel>(kFunction, isa);
  const int8_t* data = input<int8_t>(kFunction, "x", x, 3);
  const PackedWeight weight = open(kFunction, packed);
  const PackedHeader& h = weight.header;
  require(h.format == PackedFormat::depthwise, kFunction, "packed", "weights of another format", "depthwise weights");
  DepthwiseArgs args{};
  if (is_dtype<float>(out)) {
    const OutputRows<float> to(kFunction, "out", out);
    args.out_float = to.data;
    args.out_stride = to.stride;
  } else {
    const OutputRows<int8_t> to(kFunction, "out", out);
    args.out = to.data;
    args.out_stride = to.stride;
  }
  const auto pixels = static_cast<size_t>(out.shape(0));
  require(out_w >= 1 && pixels % out_w == 0, kFunction, "out_w", std::to_string(out_w),
          "a divisor of out's " + std::to_string(pixels) + " pixels");
  DepthwiseShape& s = args.shape;
  s.in_h = static_cast<size_t>(x.shape(0));
  s.in_w = static_cast<size_t>(x.shape(1));
  s.channels = static_cast<size_t>(out.shape(1));
  s.multiplier = h.out_channels / h.in_channels;
  require(s.channels <= h.out_channels && static_cast<size_t>(x.shape(2)) * s.multiplier == s.channels, kFunction,
          "out", std::to_string(s.channels) + " channels",
          std::to_string(s.multiplier) + " for each of x's, at most " + std::to_string(h.out_channels));
  s.out_w = out_w;
  s.kernel_h = h.kernel_h;
  s.kernel_w = h.kernel_w;
  std::tie(s.stride_h, s.stride_w) = at_least("stride", stride, 1);
  std::tie(s.dilation_h, s.dilation_w) = at_least("dilation", dilation, 1);
  std::tie(s.pad_top, s.pad_left) = padding;
  args.x = data;
  args.zero_point = static_cast<int8_t>(h.input_zero_point);
  args.w = weight.weights;
  args.row_begin = row_begin;
  args.row_end = row_begin + pixels / out_w;
  ResidualAdd add{};
  if (residual.has_value()) add = residual_add(kFunction, *residual, pixels, s.channels);
  args.epilogue = {weight.bias, weight.wsum, weight.scale, output_range(kFunction, "range", range),
                   residual.has_value() ? &add : nullptr};
  const std::unique_ptr<void, Free> scratch(std::aligned_alloc(64, depthwise_scratch_bytes(s)));
  if (scratch == nullptr) throw std::bad_alloc();
  args.scratch = scratch.get();
  return shortest_run(kFunction, repeats, [&] { kernel.run(args); });
}

}  // namespace

void bind_depthwise(py::module_& module) {
  module.def("depthwise", &depthwise, py::arg("isa"), py::arg("x"), py::arg("packed"), py::arg("range"), py::arg("out"),
             py::arg("out_w"), py::arg("residual") = py::none(), py::arg("stride") = Pair(1, 1),
             py::arg("dilation") = Pair(1, 1), py::arg("padding") = Pair(0, 0), py::arg("row_begin") = 0,
             py::arg("repeats") = 1,
             "Rows row_begin .. of the depthwise convolution of the image x [h, w, channels] by packed, as out "
             "[rows * out_w, channels]; padding is (top, left), and what lies below and right is padding, too; the "
             "rest as gemm");
}

}  // namespace mobilekernels::python_face
