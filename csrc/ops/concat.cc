#include "ops/concat.h"

#include <cstring>
#include <string>
#include <vector>

#include "kernels/epilogue_scalar_inl.h"
#include "ops/check.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr int64_t kGrain = 64 * 1024;  // bytes of a task

int64_t rows_a_task(int64_t row_bytes) { return kGrain / (row_bytes < 1 ? 1 : row_bytes) + 1; }

// One part on its way into the output: copied as it is, or through a table of what each of the 256 codes becomes.
struct Part {
  const ConcatInput* input;
  int64_t offset;  // in an output run
  bool convert;
  int8_t table[256];
};

Status make_part(const ConcatInput& input, int index, double out_scale, int32_t out_zero_point, Part* part) {
  const std::string place = "[" + std::to_string(index) + "]";
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale("concat", "scales" + place, input.scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_zero_point("concat", "zero_points" + place, input.zero_point));
  float ratio = 0;
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("concat", "out_scale", input.scale, out_scale, &ratio));
  part->input = &input;
  part->convert = input.scale != out_scale || input.zero_point != out_zero_point;
  const epilogue_scalar::Bounds bounds = epilogue_scalar::bounds({out_zero_point, -128, 127});
  for (int q = -128; q < 128; ++q) {
    part->table[q + 128] = epilogue_scalar::to_int8(static_cast<float>(q - input.zero_point) * ratio, bounds);
  }
  return {};
}

Status check_rows(const char* op, const int8_t* x, int64_t outer, int64_t channels, const int8_t* out) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(op, "outer", outer));
  if (channels < 1) return bad_argument(op, "x", std::to_string(channels) + " channels", "at least 1");
  int64_t elements = outer;
  if (!multiply_size(&elements, channels)) {
    return bad_argument(op, "x", std::to_string(outer) + " x " + std::to_string(channels) + " values",
                        "at most " + std::to_string(kMaxElements));
  }
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, "x", x, elements));
  return check_data(op, "out", out, elements);
}

}  // namespace

Status concat(const ConcatInput* inputs, int count, int64_t outer, double out_scale, int32_t out_zero_point,
              int8_t* out, const Context& context) {
  if (count < 1) return bad_argument("concat", "xs", std::to_string(count) + " tensors", "at least 1");
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale("concat", "out_scale", out_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_zero_point("concat", "out_zero_point", out_zero_point));
  MOBILEKERNELS_RETURN_IF_ERROR(check_count("concat", "outer", outer));
  std::vector<Part> parts(static_cast<size_t>(count));
  int64_t run = 0;
  for (int i = 0; i < count; ++i) {
    const std::string name = "xs[" + std::to_string(i) + "]";
    MOBILEKERNELS_RETURN_IF_ERROR(check_count("concat", name, inputs[i].inner));
    Part& part = parts[static_cast<size_t>(i)];
    MOBILEKERNELS_RETURN_IF_ERROR(make_part(inputs[i], i, out_scale, out_zero_point, &part));
    part.offset = run;
    run += inputs[i].inner;
    int64_t elements = run;
    if (run > kMaxElements || !multiply_size(&elements, outer)) {
      return bad_argument("concat", name, std::to_string(outer) + " x " + std::to_string(run) + " values so far",
                          "at most " + std::to_string(kMaxElements));
    }
    MOBILEKERNELS_RETURN_IF_ERROR(check_data("concat", name, inputs[i].data, outer * inputs[i].inner));
  }
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("concat", "out", out, outer * run));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, outer, rows_a_task(run), [&](int, int64_t begin, int64_t end) {
    for (const Part& part : parts) {
      const size_t inner = static_cast<size_t>(part.input->inner);
      if (inner == 0) continue;
      for (int64_t row = begin; row < end; ++row) {
        const int8_t* from = part.input->data + row * part.input->inner;
        int8_t* to = out + row * run + part.offset;
        if (part.convert) {
          kernels.lut(inner, from, part.table, to);
        } else {
          std::memcpy(to, from, inner);
        }
      }
    }
  });
  return {};
}

Status channel_shuffle(const int8_t* x, int64_t outer, int64_t channels, int64_t groups, int8_t* out,
                       const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_rows("channel_shuffle", x, outer, channels, out));
  if (groups < 1 || channels % groups != 0) {
    return bad_argument("channel_shuffle", "groups", std::to_string(groups),
                        "a divisor of the " + std::to_string(channels) + " channels");
  }
  const int64_t each = channels / groups;
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, outer, rows_a_task(channels), [&](int, int64_t begin, int64_t end) {
    if (groups == 2) {  // what networks use has a kernel
      const int64_t done = begin * channels;
      return kernels.interleave2(static_cast<size_t>(end - begin), static_cast<size_t>(each), x + done, out + done);
    }
    for (int64_t row = begin; row < end; ++row) {
      const int8_t* from = x + row * channels;
      int8_t* __restrict to = out + row * channels;
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t i = 0; i < each; ++i) to[i * groups + g] = from[g * each + i];
      }
    }
  });
  return {};
}

Status slice_channels(const int8_t* x, int64_t outer, int64_t channels, int64_t start, int64_t end, int8_t* out,
                      const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_rows("slice_channels", x, outer, channels, out));
  if (start < 0 || start >= channels) {
    return bad_argument("slice_channels", "start", std::to_string(start),
                        "an integer in [0, " + std::to_string(channels - 1) + "]");
  }
  if (end <= start || end > channels) {
    return bad_argument("slice_channels", "end", std::to_string(end),
                        "an integer in [" + std::to_string(start + 1) + ", " + std::to_string(channels) + "]");
  }
  const int64_t width = end - start;
  parallel_for(context, outer, rows_a_task(width), [&](int, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      std::memcpy(out + row * width, x + row * channels + start, static_cast<size_t>(width));
    }
  });
  return {};
}

}  // namespace mobilekernels
