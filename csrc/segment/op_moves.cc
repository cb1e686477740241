// What moves data: concat, channel_shuffle, slice_channels, and flatten, which moves none.
#include <utility>
#include <vector>

#include "ops/concat.h"
#include "segment/arguments.h"

namespace mobilekernels::segment {
namespace {

struct Concat {
  std::vector<ConcatInput> inputs;
  int64_t outer = 1;
  int axis = 0;
  QParams out{};
};

Status decode(const Call& call, Concat* concat) {
  Arguments in(call);
  const TensorInfo& first = in.operand(0, Dtype::int8).info;
  const int64_t dim = in.integer();
  if (dim < -first.dims || dim >= first.dims) {
    return bad_argument(call.op, "dim", std::to_string(dim), "a dimension of " + std::to_string(first.dims));
  }
  concat->axis = static_cast<int>(dim < 0 ? dim + first.dims : dim);
  for (int i = 0; i < concat->axis; ++i) concat->outer *= first.sizes[i];
  concat->inputs.resize(static_cast<size_t>(call.inputs_count));
  for (int i = 0; i < call.inputs_count; ++i) {
    const Operand& part = in.operand(i, Dtype::int8, first.dims);
    ConcatInput& input = concat->inputs[static_cast<size_t>(i)];
    input.inner = 1;
    for (int d = concat->axis; d < part.info.dims; ++d) input.inner *= part.info.sizes[d];
  }
  for (ConcatInput& input : concat->inputs) input.scale = in.number();
  for (ConcatInput& input : concat->inputs) input.zero_point = in.code();
  concat->out = in.qparams();
  return in.finish();
}

Status infer_concat(const Call& call, TensorInfo* out) {
  Concat concat;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &concat));
  *out = call.inputs[0].info;
  for (int i = 1; i < call.inputs_count; ++i) {
    for (int d = 0; d < out->dims; ++d) {
      const int64_t size = call.inputs[i].info.sizes[d];
      if (d == concat.axis) {
        out->sizes[d] += size;
      } else if (size != out->sizes[d]) {
        return bad_argument(call.op, "xs[" + std::to_string(i) + "]",
                            "size " + std::to_string(size) + " in dimension " + std::to_string(d),
                            std::to_string(out->sizes[d]) + ", that of xs[0]");
      }
    }
  }
  return {};
}

Status prepare_concat(const Call& call, const TensorInfo&, Runner* runner) {
  Concat decoded;
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &decoded));
  *runner = [c = std::move(decoded)](const Source* inputs, void* out, const Context& context) {
    std::vector<ConcatInput> parts = c.inputs;
    for (size_t i = 0; i < parts.size(); ++i) parts[i].data = codes_of(inputs[i]);
    return concat(parts.data(), static_cast<int>(parts.size()), c.outer, c.out.scale, c.out.zero_point,
                  static_cast<int8_t*>(out), context);
  };
  return {};
}

Status infer_shuffle(const Call& call, TensorInfo* out) {
  Arguments in(call);
  *out = in.operand(0, Dtype::int8).info;
  in.integer();
  return in.finish();
}

Status prepare_shuffle(const Call& call, const TensorInfo& info, Runner* runner) {
  Arguments in(call);
  const int64_t groups = in.integer();
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  *runner = [rows = rows_of(info), groups](const Source* inputs, void* out, const Context& context) {
    return channel_shuffle(codes_of(inputs[0]), rows.outer, rows.channels, groups, static_cast<int8_t*>(out), context);
  };
  return {};
}

struct Slice {
  int64_t start, end;
};

Status decode(const Call& call, TensorInfo* x, Slice* slice) {
  Arguments in(call);
  *x = in.operand(0, Dtype::int8).info;
  slice->start = in.integer();
  slice->end = in.integer();
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  const int64_t channels = rows_of(*x).channels;
  if (x->dims < 1 || slice->start < 0 || slice->start >= slice->end || slice->end > channels) {
    return bad_argument(call.op, "start, end", std::to_string(slice->start) + ", " + std::to_string(slice->end),
                        "0 <= start < end <= " + std::to_string(channels));
  }
  return {};
}

Status infer_slice(const Call& call, TensorInfo* out) {
  Slice slice{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, out, &slice));
  out->sizes[out->dims - 1] = slice.end - slice.start;
  return {};
}

Status prepare_slice(const Call& call, const TensorInfo&, Runner* runner) {
  TensorInfo x{};
  Slice slice{};
  MOBILEKERNELS_RETURN_IF_ERROR(decode(call, &x, &slice));
  *runner = [rows = rows_of(x), slice](const Source* inputs, void* out, const Context& context) {
    return slice_channels(codes_of(inputs[0]), rows.outer, rows.channels, slice.start, slice.end,
                          static_cast<int8_t*>(out), context);
  };
  return {};
}

// Dimensions start .. end become one, as aten::flatten has it.
Status infer_flatten(const Call& call, TensorInfo* out) {
  Arguments in(call);
  const int64_t given_start = in.integer();
  const int64_t given_end = in.integer();
  MOBILEKERNELS_RETURN_IF_ERROR(in.finish());
  if (call.inputs_count != 1) return bad_argument(call.op, "inputs", std::to_string(call.inputs_count), "1");
  if (call.inputs[0].strides != nullptr) {
    return bad_argument(call.op, "x", "a tensor with strides", "a contiguous tensor");
  }
  const TensorInfo& x = call.inputs[0].info;
  const int64_t start = given_start < 0 ? given_start + x.dims : given_start;
  const int64_t end = given_end < 0 ? given_end + x.dims : given_end;
  if (start < 0 || end < start || end >= x.dims) {
    return bad_argument(call.op, "start_dim, end_dim", std::to_string(given_start) + ", " + std::to_string(given_end),
                        "dimensions of " + std::to_string(x.dims));
  }
  *out = {x.dtype, 0, {}};
  for (int d = 0; d < x.dims; ++d) {
    if (d > start && d <= end) {
      out->sizes[out->dims - 1] *= x.sizes[d];
    } else {
      out->sizes[out->dims++] = x.sizes[d];
    }
  }
  return {};
}

}  // namespace

extern const OpDef concat_op, channel_shuffle_op, slice_channels_op, flatten_op;
const OpDef concat_op{"concat", infer_concat, nullptr, prepare_concat};
const OpDef channel_shuffle_op{"channel_shuffle", infer_shuffle, nullptr, prepare_shuffle};
const OpDef slice_channels_op{"slice_channels", infer_slice, nullptr, prepare_slice};
const OpDef flatten_op{"flatten", infer_flatten, nullptr, nullptr};

}  // namespace mobilekernels::segment
