#include "ops/binary.h"

#include <cstring>
#include <string>

#include "ops/check.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr int64_t kGrain = 16 * 1024;  // output values of a task

// The output as nested loops, innermost last, adjacent dimensions merged wherever both operands allow it:
// [N, H, W, C] with [N, 1, 1, C] becomes N x HW x C. Steps are in elements, 0 where an operand is broadcast.
struct Loops {
  int dims = 0;
  int64_t sizes[kMaxBinaryDims];
  int64_t step_a[kMaxBinaryDims];
  int64_t step_b[kMaxBinaryDims];
};

// The size of dimension `i` of `dims`, counted as NumPy aligns them: from the right, missing ones are 1.
int64_t aligned_size(const BinaryOperand& x, int i, int dims) {
  const int own = i - (dims - x.dims);
  return own < 0 ? 1 : x.sizes[own];
}

Loops plan_loops(const BinaryOperand& a, const BinaryOperand& b, const int64_t* sizes, int dims) {
  Loops outward;  // innermost first
  int64_t a_inside = 1, b_inside = 1;
  for (int i = dims - 1; i >= 0; --i) {
    if (sizes[i] == 1) continue;
    const int64_t a_size = aligned_size(a, i, dims), b_size = aligned_size(b, i, dims);
    const int64_t step_a = a_size == 1 ? 0 : a_inside, step_b = b_size == 1 ? 0 : b_inside;
    a_inside *= a_size;
    b_inside *= b_size;
    const int last = outward.dims - 1;
    if (last >= 0 && step_a == outward.step_a[last] * outward.sizes[last] &&
        step_b == outward.step_b[last] * outward.sizes[last]) {
      outward.sizes[last] *= sizes[i];
      continue;
    }
    outward.sizes[outward.dims] = sizes[i];
    outward.step_a[outward.dims] = step_a;
    outward.step_b[outward.dims++] = step_b;
  }
  if (outward.dims == 0) {
    outward = {1, {1}, {0}, {0}};
  }
  Loops loops;
  loops.dims = outward.dims;
  for (int i = 0; i < loops.dims; ++i) {
    const int from = loops.dims - 1 - i;
    loops.sizes[i] = outward.sizes[from];
    loops.step_a[i] = outward.step_a[from];
    loops.step_b[i] = outward.step_b[from];
  }
  return loops;
}

int64_t smaller_size(int64_t a, int64_t b) { return a < b ? a : b; }

// run(count, a offset, b offset, out offset) for each stretch of the innermost loop that lies in [begin, end).
template <typename Run>
void for_each_row(const Loops& loops, int64_t begin, int64_t end, const Run& run) {
  const int last = loops.dims - 1;
  while (begin < end) {
    const int64_t column = begin % loops.sizes[last];
    int64_t row = begin / loops.sizes[last];
    int64_t a = column * loops.step_a[last], b = column * loops.step_b[last];
    for (int i = last - 1; i >= 0; --i) {
      const int64_t index = row % loops.sizes[i];
      row /= loops.sizes[i];
      a += index * loops.step_a[i];
      b += index * loops.step_b[i];
    }
    int64_t count = loops.sizes[last] - column;
    if (count > end - begin) count = end - begin;
    run(count, a, b, begin);
    begin += count;
  }
}

// Whether one operand is the same for each index of the loop around the innermost one, and all else is contiguous
// there: the channels of squeeze-and-excite, [N, 1, 1, C] with [N, H, W, C].
bool repeats(const Loops& loops) {
  const int last = loops.dims - 1;
  if (last < 1 || loops.step_a[last] != 1 || loops.step_b[last] != 1) return false;
  const int64_t a = loops.step_a[last - 1], b = loops.step_b[last - 1];
  return (a == 0 && b == loops.sizes[last]) || (b == 0 && a == loops.sizes[last]);
}

// run(count, a, step of a, b, step of b, out) for stretches of values [begin, end) of the output. A short operand that
// repeats is written out a few times, so that a stretch is longer than its few channels.
template <typename Run>
void for_each_stretch(const Loops& loops, const BinaryArgs& args, int64_t begin, int64_t end, const Run& run) {
  constexpr int64_t kTile = 4096;
  const int last = loops.dims - 1;
  const int64_t channels = loops.sizes[last], copies = kTile / channels;
  if (!repeats(loops) || copies < 2) {
    for_each_row(loops, begin, end, [&](int64_t n, int64_t a, int64_t b, int64_t out) {
      run(n, args.a.data + a, loops.step_a[last], args.b.data + b, loops.step_b[last], args.out + out);
    });
    return;
  }
  const bool a_repeats = loops.step_a[last - 1] == 0;
  Loops merged = loops;
  merged.dims = last;
  merged.sizes[last - 1] *= channels;
  merged.step_a[last - 1] = a_repeats ? 0 : 1;
  merged.step_b[last - 1] = a_repeats ? 1 : 0;
  for_each_row(merged, begin, end, [&](int64_t n, int64_t a, int64_t b, int64_t out) {
    int8_t tile[kTile];
    const int64_t used = smaller_size(copies, n / channels + 2) * channels;
    for (int64_t i = 0; i < used; i += channels) {
      std::memcpy(tile + i, a_repeats ? args.a.data + a : args.b.data + b, static_cast<size_t>(channels));
    }
    for (int64_t i = 0; i < n;) {
      const int64_t column = (out + i) % channels, count = smaller_size(used - column, n - i);
      const int8_t* x = a_repeats ? tile + column : args.a.data + a + i;
      const int8_t* y = a_repeats ? args.b.data + b + i : tile + column;
      run(count, x, 1, y, 1, args.out + out + i);
      i += count;
    }
  });
}

Status check_operand(const char* op, const char* name, const BinaryOperand& x) {
  const std::string prefix(name);
  if (x.dims < 0 || x.dims > kMaxBinaryDims) {
    return bad_argument(op, prefix, std::to_string(x.dims) + " dimensions",
                        "at most " + std::to_string(kMaxBinaryDims));
  }
  int64_t elements = 1;
  for (int i = 0; i < x.dims; ++i) {
    if (x.sizes[i] < 0 || !multiply_size(&elements, x.sizes[i])) {
      return bad_argument(op, prefix, "size " + std::to_string(x.sizes[i]) + " in dimension " + std::to_string(i),
                          "sizes >= 0, at most " + std::to_string(kMaxElements) + " values");
    }
  }
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, prefix, x.data, elements));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale(op, prefix + "_scale", x.scale));
  return check_zero_point(op, prefix + "_zero_point", x.zero_point);
}

std::string shape_text(const BinaryOperand& x) {
  std::string text = "[";
  for (int i = 0; i < x.dims; ++i) text += (i == 0 ? "" : ", ") + std::to_string(x.sizes[i]);
  return text + "]";
}

Status broadcast(const char* op, const BinaryOperand& a, const BinaryOperand& b, int64_t* sizes, int* dims) {
  *dims = a.dims > b.dims ? a.dims : b.dims;
  int64_t elements = 1;
  for (int i = 0; i < *dims; ++i) {
    const int64_t x = aligned_size(a, i, *dims), y = aligned_size(b, i, *dims);
    if (x != y && x != 1 && y != 1) {
      return bad_argument(op, "b", "shape " + shape_text(b),
                          "a shape that broadcasts with a's " + shape_text(a) + ": sizes from the right equal or 1");
    }
    sizes[i] = x == 1 ? y : x;
    if (!multiply_size(&elements, sizes[i])) {
      return bad_argument(op, "b", "shape " + shape_text(b) + " with a's " + shape_text(a),
                          "an output of at most " + std::to_string(kMaxElements) + " values");
    }
  }
  return {};
}

// Checks everything but the scales' ratios, and cuts the output into loops. *elements: of the output.
Status prepare(const char* op, const BinaryArgs& args, Loops* loops, int64_t* elements) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_operand(op, "a", args.a));
  MOBILEKERNELS_RETURN_IF_ERROR(check_operand(op, "b", args.b));
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale(op, "out_scale", args.out_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(check_output_range(op, args.output));
  int64_t sizes[kMaxBinaryDims];
  int dims = 0;
  MOBILEKERNELS_RETURN_IF_ERROR(broadcast(op, args.a, args.b, sizes, &dims));
  *elements = 1;
  for (int i = 0; i < dims; ++i) *elements *= sizes[i];
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, "out", args.out, *elements));
  if (*elements > 0) *loops = plan_loops(args.a, args.b, sizes, dims);
  return {};
}

ElementwiseOperand operand(const BinaryOperand& x, const int8_t* data, int64_t step, float scale) {
  return {data, static_cast<size_t>(step), x.zero_point, scale};
}

}  // namespace

Status binary_output_shape(const BinaryOperand& a, const BinaryOperand& b, int64_t* sizes, int* dims) {
  if (a.dims > kMaxBinaryDims || b.dims > kMaxBinaryDims) {
    return bad_argument("binary", a.dims > kMaxBinaryDims ? "a" : "b",
                        std::to_string(a.dims > b.dims ? a.dims : b.dims) + " dimensions",
                        "at most " + std::to_string(kMaxBinaryDims));
  }
  return broadcast("binary", a, b, sizes, dims);
}

Status add(const BinaryArgs& args, const Context& context) {
  Loops loops;
  int64_t elements = 0;
  float a_scale = 0, b_scale = 0;
  MOBILEKERNELS_RETURN_IF_ERROR(prepare("add", args, &loops, &elements));
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("add", "out_scale", args.a.scale, args.out_scale, &a_scale));
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("add", "out_scale", args.b.scale, args.out_scale, &b_scale));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, elements, kGrain, [&](int, int64_t begin, int64_t end) {
    for_each_stretch(loops, args, begin, end,
                     [&](int64_t n, const int8_t* a, int64_t step_a, const int8_t* b, int64_t step_b, int8_t* out) {
                       kernels.add(static_cast<size_t>(n), operand(args.a, a, step_a, a_scale),
                                   operand(args.b, b, step_b, b_scale), args.output, out);
                     });
  });
  return {};
}

Status mul(const BinaryArgs& args, const Context& context) {
  Loops loops;
  int64_t elements = 0;
  float scale = 0;
  MOBILEKERNELS_RETURN_IF_ERROR(prepare("mul", args, &loops, &elements));
  MOBILEKERNELS_RETURN_IF_ERROR(scale_ratio("mul", "out_scale", args.a.scale * args.b.scale, args.out_scale, &scale));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, elements, kGrain, [&](int, int64_t begin, int64_t end) {
    for_each_stretch(loops, args, begin, end,
                     [&](int64_t n, const int8_t* a, int64_t step_a, const int8_t* b, int64_t step_b, int8_t* out) {
                       kernels.mul(static_cast<size_t>(n), operand(args.a, a, step_a, 0), operand(args.b, b, step_b, 0),
                                   scale, args.output, out);
                     });
  });
  return {};
}

}  // namespace mobilekernels
