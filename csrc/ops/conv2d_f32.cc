#include "ops/conv2d_f32.h"

#include <algorithm>
#include <string>

#include "ops/check.h"
#include "ops/conv2d.h"
#include "ops/panels_f32.h"
#include "ops/sparse_gemm_f32.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr const char* kOp = "conv2d_f32";

std::string pair(int64_t a, int64_t b) { return "(" + std::to_string(a) + ", " + std::to_string(b) + ")"; }

Status check_packed(const Conv2dF32Args& args, const PackedHeader& h) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_weight_type(kOp, h, true));
  const Window& w = args.window;
  if (h.out_channels != args.out_channels) {
    return bad_argument(kOp, "out_channels", std::to_string(args.out_channels),
                        std::to_string(h.out_channels) + " (as packed)");
  }
  if (h.in_channels != args.shape.c) {
    return bad_argument(kOp, "x", std::to_string(args.shape.c) + " channels",
                        std::to_string(h.in_channels) + " channels (as packed)");
  }
  if (h.kernel_h != w.kernel_h || h.kernel_w != w.kernel_w) {
    return bad_argument(kOp, "kernel_size", pair(w.kernel_h, w.kernel_w),
                        pair(h.kernel_h, h.kernel_w) + " (as packed)");
  }
  if (h.groups != args.groups) {
    return bad_argument(kOp, "groups", std::to_string(args.groups), std::to_string(h.groups) + " (as packed)");
  }
  return {};
}

ImageF32 image_of(const Conv2dF32Args& args, const Shape4& out) {
  const int64_t groups = std::max<int64_t>(args.groups, 1);
  return {args.x, args.shape, args.window, out.h, out.w, args.shape.c / groups};
}

}  // namespace

size_t conv2d_f32_workspace(const Conv2dF32Args& args, int threads) {
  Shape4 out;
  if (!conv2d_output_shape(args.shape, args.out_channels, args.window, &out).ok()) return 0;
  return static_cast<size_t>(panel_f32_bytes(out.h * out.w, image_of(args, out).k()) * std::max(threads, 1));
}

Status conv2d_f32(const Conv2dF32Args& args, const Context& context) {
  Shape4 out;
  MOBILEKERNELS_RETURN_IF_ERROR(conv2d_output_shape(args.shape, args.out_channels, args.window, &out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_clamp(kOp, args.lo, args.hi));
  PackedWeight packed;
  MOBILEKERNELS_RETURN_IF_ERROR(open_packed(args.packed, args.packed_bytes, &packed));
  MOBILEKERNELS_RETURN_IF_ERROR(check_packed(args, packed.header));
  MOBILEKERNELS_RETURN_IF_ERROR(check_workspace(kOp, context, conv2d_f32_workspace(args, context.threads)));
  if (out.n == 0) return {};
  const SpgemmF32Kernel& kernel = select_spgemm_f32();
  const ImageF32 image = image_of(args, out);
  const int64_t pixels = out.h * out.w;
  const PanelsF32 panels(kernel, packed.header, pixels);
  const int64_t panel_bytes = panel_f32_bytes(pixels, image.k());
  const int64_t group_tiles = tiles_of_group(packed.header), group_out = out.c / args.groups;
  constexpr auto kTile = static_cast<int64_t>(kPanelChannels);
  for_shares(context, packed, out.n * panels.count, panels.width, [&](int task, const ShareF32& share) {
    auto* panel = reinterpret_cast<float*>(static_cast<char*>(context.workspace) + task * panel_bytes);
    for (int64_t tile = share.tile_begin; tile < share.tile_end;) {
      const int64_t group = tile / group_tiles, first = group * group_tiles;
      const int64_t end = std::min(first + group_tiles, share.tile_end);
      SpgemmF32Args call = spgemm_f32_args(packed, group, tile - first, end - first);
      call.panel = panel;
      call.lo = args.lo;
      call.hi = args.hi;
      call.out_stride = static_cast<size_t>(pixels);
      const int64_t channel = group * group_out + (tile - first) * kTile;
      for (int64_t p = share.panel_begin; p < share.panel_end; ++p) {
        const int64_t n = p / panels.count, from = p % panels.count * panels.width;
        const int64_t to = std::min(from + panels.width, pixels);
        const auto vector = static_cast<int64_t>(kernel.vector);
        call.pixels = static_cast<size_t>(to - from);
        write_panel(image, n, group * image.channels, from, to, (to - from + vector - 1) / vector * vector, panel);
        call.out = args.out + (n * out.c + channel) * pixels + from;
        kernel.run(call);
      }
      tile = end;
    }
  });
  return {};
}

}  // namespace mobilekernels
