#include "ops/linear_dynamic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "ops/check.h"
#include "ops/rows.h"
#include "ops/sparse_gemm.h"
#include "pack/format.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr const char* kOp = "linear_dynamic";
constexpr int64_t kAlignment = 64;
constexpr int64_t kGrain = 32 * 1024;  // values of a task that quantizes

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

Status check_quantization(const DynamicQuantization& q) {
  constexpr int32_t kLeastSteps = 15;
  const std::string range = "(" + std::to_string(q.quant_min) + ", " + std::to_string(q.quant_max) + ")";
  if (q.quant_min < -128 || q.quant_max > 127 || q.quant_max - q.quant_min < kLeastSteps) {
    return bad_argument(kOp, "quant_min, quant_max", range, "-128 <= quant_min, quant_min + 15 <= quant_max <= 127");
  }
  if (q.symmetric && (q.quant_min >= 0 || q.quant_max <= 0)) {
    return bad_argument(kOp, "quant_min, quant_max", range + " with symmetric", "quant_min < 0 < quant_max");
  }
  if (!(q.eps >= 0x1p-100 && q.eps <= 0x1p+100)) {
    return bad_argument(kOp, "eps", std::to_string(q.eps), "2^-100 to 2^100");
  }
  return {};
}

Status check_packed(const LinearDynamicArgs& args, const PackedWeight& packed) {
  const PackedHeader& h = packed.header;
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type(kOp, h, false));
  MOBILEKERNELS_RETURN_IF_ERROR(check_linear_weight(kOp, h, args.in_features, args.out_features));
  const auto is_zero = [](int32_t bias) { return bias == 0; };
  if (h.input_zero_point != 0 || !std::all_of(packed.bias, packed.bias + packed.channels, is_zero)) {
    return bad_argument(kOp, "packed", "weights with the zero point or bias of a static quantization",
                        "weights without (pack_linear_dynamic)");
  }
  return {};
}

float value_of(int32_t key) {
  const int32_t bits = float_key(key);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

struct RowParams {
  float scale;
  int32_t zero_point;
};

RowParams choose_params(const FloatSpan& span, const DynamicQuantization& q) {
  constexpr RowParams kNone = {std::numeric_limits<float>::quiet_NaN(), 0};
  if (span.lo <= ~kInfinityKey || span.hi >= kInfinityKey) return kNone;
  const float lo = value_of(span.lo), hi = value_of(span.hi);
  const auto steps = static_cast<float>(q.quant_max - q.quant_min);
  const float exact = q.symmetric ? std::max(-lo, hi) / (steps / 2) : (hi - lo) / steps;
  const float scale = std::max(exact, static_cast<float>(q.eps));
  if (!std::isfinite(scale)) return kNone;
  if (q.symmetric) return {scale, 0};
  const auto zero_point = q.quant_min - static_cast<int32_t>(std::nearbyint(lo / scale));
  return {scale, std::clamp(zero_point, q.quant_min, q.quant_max)};
}

int64_t tables_of(int64_t out_features) {
  constexpr auto kPanel = static_cast<int64_t>(kPanelChannels);
  return (out_features + kPanel - 1) / kPanel * kPanel;
}

RowSource row_source(const LinearDynamicArgs& args, const int8_t* codes) {
  const Window window{1, 1, 1, 1, 0, 0, 0, 0, 1, 1};
  return {codes, {1, args.rows, 1, args.in_features}, window, args.rows, 1, args.in_features, 0, false};
}

// What the workspace is cut into.
struct Memory {
  int64_t codes_bytes, rows_bytes, spans_bytes, bias_bytes;

  explicit Memory(const LinearDynamicArgs& args)
      : codes_bytes(aligned(args.rows * args.in_features)),
        rows_bytes(aligned(args.rows * static_cast<int64_t>(sizeof(float)))),
        spans_bytes(aligned(args.rows * static_cast<int64_t>(sizeof(FloatSpan)))),
        bias_bytes(aligned(tables_of(args.out_features) * static_cast<int64_t>(sizeof(float)))) {}

  int64_t bytes() const { return codes_bytes + 2 * rows_bytes + spans_bytes + bias_bytes; }
};

// The rows as codes, and what they mean.
struct QuantizedRows {
  int8_t* codes;
  float* scale;
  int32_t* zero_point;
  FloatSpan* spans;
};

void quantize_rows(const LinearDynamicArgs& args, const QuantizedRows& rows, const Context& context) {
  const ElementwiseKernels& kernels = select_elementwise();
  const DynamicQuantization& q = args.quantization;
  const int64_t n = args.in_features, grain = kGrain / n + 1;
  parallel_for(context, args.rows, grain, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      rows.spans[row] = {0, 0};
      kernels.widen(static_cast<size_t>(n), args.x + row * n, &rows.spans[row]);
    }
  });
  FloatSpan all{0, 0};
  for (int64_t row = 0; row < args.rows && !q.per_row; ++row) {
    all = {std::min(all.lo, rows.spans[row].lo), std::max(all.hi, rows.spans[row].hi)};
  }
  parallel_for(context, args.rows, grain, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const RowParams params = choose_params(q.per_row ? rows.spans[row] : all, q);
      rows.scale[row] = params.scale;
      rows.zero_point[row] = params.zero_point;
      kernels.quantize(static_cast<size_t>(n), args.x + row * n, static_cast<float>(1.0 / double{params.scale}),
                       {params.zero_point, q.quant_min, q.quant_max}, rows.codes + row * n);
    }
  });
}

}  // namespace

size_t linear_dynamic_workspace(const LinearDynamicArgs& args, int threads) {
  int64_t elements = args.rows;
  if (args.rows < 1 || args.in_features < 1 || args.out_features < 1 || !multiply_size(&elements, args.in_features)) {
    return 0;
  }
  const RowSource source = row_source(args, nullptr);
  return static_cast<size_t>(Memory(args).bytes()) +
         std::max(row_gemm_workspace(source, args.out_features, 1, threads), sparse_gemm_workspace(source, threads));
}

Status linear_dynamic(const LinearDynamicArgs& args, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(kOp, "rows", args.rows));
  MOBILEKERNELS_RETURN_IF_ERROR(check_quantization(args.quantization));
  PackedWeight packed;
  MOBILEKERNELS_RETURN_IF_ERROR(open_packed(args.packed, args.packed_bytes, &packed));
  MOBILEKERNELS_RETURN_IF_ERROR(check_packed(args, packed));
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace(kOp, context, linear_dynamic_workspace(args, context.threads)));
  if (args.rows == 0) return {};

  const Memory memory(args);
  char* at = static_cast<char*>(context.workspace);
  const auto take = [&at](int64_t bytes) {
    char* const part = at;
    at += bytes;
    return static_cast<void*>(part);
  };
  const QuantizedRows rows{static_cast<int8_t*>(take(memory.codes_bytes)), static_cast<float*>(take(memory.rows_bytes)),
                           static_cast<int32_t*>(take(memory.rows_bytes)),
                           static_cast<FloatSpan*>(take(memory.spans_bytes))};
  auto* bias = static_cast<float*>(take(memory.bias_bytes));
  std::copy_n(args.bias, args.out_features, bias);
  std::fill(bias + args.out_features, bias + tables_of(args.out_features), 0.0f);
  quantize_rows(args, rows, context);

  Context rest = context;
  rest.workspace = at;
  rest.workspace_bytes = context.workspace_bytes - static_cast<size_t>(memory.bytes());
  Epilogue epilogue{packed.bias, packed.wsum, packed.scale, {0, -128, 127}, nullptr};
  epilogue.rows = {rows.scale, rows.zero_point, bias};
  const RowSource source = row_source(args, rows.codes);
  if (packed.header.format == PackedFormat::block_sparse) {
    sparse_gemm({source, packed, epilogue, nullptr, args.out}, rest);
  } else {
    row_gemm({source, packed.weights, args.out_features, 1, epilogue, nullptr, args.out}, rest);
  }
  return {};
}

}  // namespace mobilekernels
