#include "ops/linear_f32.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/sparse_gemm_f32.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr const char* kOp = "linear_f32";
constexpr auto kTile = static_cast<int64_t>(kPanelChannels);
constexpr int64_t kTiles = 4;  // whose results lie channel by channel in scratch memory before they are turned around
constexpr int64_t kResultBytes = kTiles * kTile * static_cast<int64_t>(kMostPanelPixelsF32 * sizeof(float));

int64_t task_bytes(const LinearF32Args& args) {
  return kResultBytes + panel_f32_bytes(std::max<int64_t>(args.rows, 1), args.in_features);
}

// One task's panels by its tiles.
class Runner {
 public:
  Runner(const LinearF32Args& args, const PackedWeight& packed, const SpgemmF32Kernel& kernel, char* workspace)
      : args_(args),
        packed_(packed),
        kernel_(kernel),
        result_(reinterpret_cast<float*>(workspace)),
        panel_(reinterpret_cast<float*>(workspace + kResultBytes)) {}

  // Rows [begin, end) by tiles [tile_begin, tile_end).
  void run(int64_t begin, int64_t end, int64_t tile_begin, int64_t tile_end) const {
    if (tile_begin == tile_end) return;
    if (end - begin == 1 && kernel_.run_row != nullptr) {
      run_row(begin, tile_begin, tile_end);
      return;
    }
    const auto vector = static_cast<int64_t>(kernel_.vector);
    const int64_t rows = end - begin, stride = (rows + vector - 1) / vector * vector;
    write_panel(begin, rows, stride);
    for (int64_t tile = tile_begin; tile < tile_end; tile += kTiles) {
      SpgemmF32Args call = spgemm_f32_args(packed_, 0, tile, std::min(tile + kTiles, tile_end));
      call.lo = args_.lo;
      call.hi = args_.hi;
      call.pixels = static_cast<size_t>(rows);
      call.panel = panel_;
      call.out = result_;
      call.out_stride = static_cast<size_t>(stride);
      kernel_.run(call);
      kernel_.transpose({result_, static_cast<size_t>(stride), call.channels, static_cast<size_t>(rows),
                         args_.out + begin * args_.out_features + tile * kTile,
                         static_cast<size_t>(args_.out_features)});
    }
  }

 private:
  int64_t whole_quads() const { return (args_.in_features + 3) / 4 * 4; }

  void write_panel(int64_t begin, int64_t rows, int64_t stride) const {
    const auto k = static_cast<size_t>(args_.in_features);
    const float* x = args_.x + begin * args_.in_features;
    if (rows < stride) std::fill_n(panel_, args_.in_features * stride, 0.0f);
    kernel_.transpose({x, k, static_cast<size_t>(rows), k, panel_, static_cast<size_t>(stride)});
    std::fill(panel_ + args_.in_features * stride, panel_ + whole_quads() * stride, 0.0f);
  }

  void run_row(int64_t row, int64_t tile_begin, int64_t tile_end) const {
    const float* x = args_.x + row * args_.in_features;
    if (whole_quads() != args_.in_features) {
      std::copy_n(x, args_.in_features, panel_);
      std::fill(panel_ + args_.in_features, panel_ + whole_quads(), 0.0f);
      x = panel_;
    }
    SpgemmF32Args call = spgemm_f32_args(packed_, 0, tile_begin, tile_end);
    call.lo = args_.lo;
    call.hi = args_.hi;
    call.pixels = 1;
    call.panel = x;
    call.out = args_.out + row * args_.out_features + tile_begin * kTile;
    kernel_.run_row(call);
  }

  const LinearF32Args& args_;
  const PackedWeight& packed_;
  const SpgemmF32Kernel& kernel_;
  float* result_;
  float* panel_;
};

}  // namespace

size_t linear_f32_workspace(const LinearF32Args& args, int threads) {
  return static_cast<size_t>(task_bytes(args) * std::max(threads, 1));
}

Status linear_f32(const LinearF32Args& args, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(kOp, "rows", args.rows));
  MOBILEKERNELS_RETURN_IF_ERROR(check_clamp(kOp, args.lo, args.hi));
  PackedWeight packed;
  MOBILEKERNELS_RETURN_IF_ERROR(open_packed(args.packed, args.packed_bytes, &packed));
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type(kOp, packed.header, true));
  MOBILEKERNELS_RETURN_IF_ERROR(check_linear_weight(kOp, packed.header, args.in_features, args.out_features));
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace(kOp, context, linear_f32_workspace(args, context.threads)));
  if (args.rows == 0) return {};
  const SpgemmF32Kernel& kernel = select_spgemm_f32();
  const PanelsF32 panels(kernel, packed.header, args.rows);
  for_shares(context, packed, panels.count, panels.width, [&](int task, const ShareF32& share) {
    const Runner runner(args, packed, kernel, static_cast<char*>(context.workspace) + task * task_bytes(args));
    for (int64_t p = share.panel_begin; p < share.panel_end; ++p) {
      const int64_t begin = p * panels.width;
      runner.run(begin, std::min(begin + panels.width, args.rows), share.tile_begin, share.tile_end);
    }
  });
  return {};
}

}  // namespace mobilekernels
