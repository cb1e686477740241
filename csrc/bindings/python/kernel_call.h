// What direct calls of single kernels share.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>

#include "bindings/python/arrays.h"
#include "kernels/requantize.h"
#include "pack/format.h"
#include "runtime/dispatch.h"

namespace mobilekernels::python_face {

// The kernel of this family and ISA, if this machine can run it.
template <typename Kernel>
const Kernel& find_kernel(const char* family, const std::string& isa) {
  size_t count = 0;
  const KernelEntry* entries = kernel_entries(&count);
  std::string known;
  for (size_t i = 0; i < count; ++i) {
    if (std::string(entries[i].family) != family) continue;
    const std::string name = isa_name(entries[i].isa);
    known += (known.empty() ? "" : ", ") + name;
    if (name != isa) continue;
    if (!isa_runnable(entries[i].isa)) {
      check(not_implemented(argument_message(family, "isa", isa, "an ISA that this CPU can run")));
    }
    return *static_cast<const Kernel*>(entries[i].kernel);
  }
  check(value_error(argument_message(family, "isa", "'" + isa + "'", known)));
  throw py::value_error("unreachable: the status above is an error");
}

// (zero_point, lo, hi), and zero points and codes in general, as the kernels may assume them.
inline int32_t code(const char* function, const char* argument, int64_t value) {
  require(value >= -128 && value <= 127, function, argument, std::to_string(value), "-128 to 127");
  return static_cast<int32_t>(value);
}

using RangeTuple = std::tuple<int64_t, int64_t, int64_t>;

inline OutputRange output_range(const char* function, const char* argument, const RangeTuple& range) {
  const auto [zero_point, lo, hi] = range;
  require(lo <= hi, function, argument, std::to_string(lo) + " to " + std::to_string(hi), "lo <= hi");
  return {code(function, argument, zero_point), code(function, argument, lo), code(function, argument, hi)};
}

// (data [rows, channels], main_scale, residual_scale, residual_zero_point, (zero_point, lo, hi) of the sum)
using ResidualTuple = std::tuple<py::array, double, double, int64_t, RangeTuple>;

// `shape` is that of the output.
inline ResidualAdd residual_add(const char* function, const ResidualTuple& residual, size_t rows, size_t channels) {
  const auto& [data, main_scale, residual_scale, zero_point, range] = residual;
  ResidualAdd add{};
  add.data = input<int8_t>(function, "residual", data, 2);
  require(static_cast<size_t>(data.shape(0)) == rows && static_cast<size_t>(data.shape(1)) == channels, function,
          "residual", "shape " + shape_text(data), "[" + std::to_string(rows) + ", " + std::to_string(channels) + "]");
  add.stride = channels;
  add.main_scale = static_cast<float>(main_scale);
  add.residual_scale = static_cast<float>(residual_scale);
  add.residual_zero_point = code(function, "residual", zero_point);
  add.output = output_range(function, "residual", range);
  return add;
}

inline PackedWeight open(const char* function, const py::array& packed) {
  PackedWeight view{};
  check(open_packed(input<int8_t>(function, "packed", packed, 1), static_cast<size_t>(packed.size()), &view));
  return view;
}

// Runs the kernel `repeats` times and tells the shortest time in seconds: a benchmark without Python in it.
template <typename Run>
double shortest_run(const char* function, int repeats, const Run& run) {
  require(repeats >= 1, function, "repeats", std::to_string(repeats), "at least 1");
  using Clock = std::chrono::steady_clock;
  auto best = Clock::duration::max();
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    run();
    best = std::min(best, Clock::now() - start);
  }
  return std::chrono::duration<double>(best).count();
}

}  // namespace mobilekernels::python_face
