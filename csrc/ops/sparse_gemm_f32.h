// What convolution and linear share around the float32 block-sparse kernels: panels of pixels, and who computes which.
#pragma once

#include "kernels/spgemm_f32/spgemm_f32.h"
#include "ops/args.h"
#include "ops/block_shares.h"

namespace mobilekernels {

// `pixels` cut into panels of about equal width, each but the last a multiple of the kernel's vector.
struct PanelsF32 {
  int64_t width;  // at most kMostPanelPixelsF32
  int64_t count;

  PanelsF32(const SpgemmF32Kernel& kernel, const PackedHeader& header, int64_t pixels);
};

// Memory of one panel, for any kernel, of a layer with so many pixels and k.
int64_t panel_f32_bytes(int64_t pixels, int64_t k);

int64_t tiles_of_group(const PackedHeader& header);

// Tiles [begin, end) of 16 channels, all of `group`; the panel and `out` are left open.
SpgemmF32Args spgemm_f32_args(const PackedWeight& packed, int64_t group, int64_t begin, int64_t end);

// What one task computes: panels by tiles, counted over all groups.
struct ShareF32 {
  int64_t panel_begin, panel_end, tile_begin, tile_end;
};

// body(task, share) for all of `panels` by all tiles: shares of panels, or where these are few, tiles by their number
// of blocks, for which every task packs all panels.
template <typename Body>
void for_shares(const Context& context, const PackedWeight& packed, int64_t panels, int64_t width, const Body& body) {
  // Below this many multiply-adds a task costs more to start than it saves.
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t tiles = tiles_of_group(packed.header) * packed.header.groups;
  const int64_t panel_macs = (work_before(packed, tiles) + 1) * packed.header.block_channels * 4 * width;
  if (panels >= 4 * context.threads || tiles == 1) {
    parallel_for(context, panels, kGrainMacs / panel_macs + 1,
                 [&](int task, int64_t begin, int64_t end) { body(task, ShareF32{begin, end, 0, tiles}); });
    return;
  }
  const int64_t most = panel_macs * panels / kGrainMacs + 1;
  int64_t parts = context.threads < tiles ? context.threads : tiles;
  parts = parts < most ? parts : most;
  parallel_for(context, parts, 1, [&](int task, int64_t begin, int64_t end) {
    body(task, ShareF32{0, panels, tile_at(packed, tiles, begin, parts), tile_at(packed, tiles, end, parts)});
  });
}

// `out_min` and `out_max`: no NaN, out_min <= out_max.
Status check_clamp(const char* op, float lo, float hi);

}  // namespace mobilekernels
