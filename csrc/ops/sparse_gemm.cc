#include "ops/sparse_gemm.h"

#include <algorithm>

#include "ops/block_shares.h"
#include "ops/panels.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

// A block of panels shares the second-level cache with the weights that stream past it.
constexpr int64_t kBlockBytes = 256 * 1024;
constexpr int64_t kAlignment = 64;
constexpr auto kQuadBytes = static_cast<int64_t>(kQuad);
constexpr auto kTileChannels = static_cast<int64_t>(kPanelChannels);

int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
int64_t round_up(int64_t value, int64_t multiple) { return divide_up(value, multiple) * multiple; }

// At least one: the sizes of a layer that will be refused are asked for, too.
int64_t quads_of(int64_t k) { return std::max<int64_t>(divide_up(k, kQuadBytes), 1); }

// One task's part of the workspace: scratch memory for the kernel, what packing needs, then the block of panels.
struct Layout {
  int64_t scratch_bytes, pack_bytes, block_pixels, bytes;

  explicit Layout(const RowSource& s) {
    constexpr auto kMostVector = static_cast<int64_t>(kMostVectorPixels);
    const int64_t pixel_bytes = quads_of(s.k()) * kQuadBytes;
    const auto scratch = static_cast<int64_t>(spgemm_scratch_bytes(static_cast<size_t>(quads_of(s.k()))));
    scratch_bytes = round_up(scratch, kAlignment);
    pack_bytes = round_up(PanelWriter::workspace_bytes(s), kAlignment);
    const int64_t fit = std::max(kBlockBytes / pixel_bytes, static_cast<int64_t>(kMostPanelPixels));
    block_pixels = round_up(std::min(s.rows(), fit), kMostVector);
    bytes = scratch_bytes + pack_bytes + round_up(block_pixels * pixel_bytes, kAlignment);
  }
};

// What one task does: pixels [begin, end) by tiles of 16 channels [tile_begin, tile_end), counted over all groups.
struct Part {
  int64_t begin, end, tile_begin, tile_end;
};

class Runner {
 public:
  Runner(const SparseGemm& gemm, const SpgemmKernel& kernel, char* workspace)
      : g_(gemm),
        kernel_(kernel),
        layout_(gemm.source),
        scratch_(workspace),
        writer_(gemm.source, kernel, workspace + layout_.scratch_bytes),
        block_(workspace + layout_.scratch_bytes + layout_.pack_bytes) {}

  void run(const Part& part) const {
    const int64_t group_tiles = tiles_of_group(g_);
    for (int64_t tile = part.tile_begin; tile < part.tile_end;) {
      const int64_t group = tile / group_tiles;
      const int64_t end = std::min((group + 1) * group_tiles, part.tile_end);
      run_group(group, {part.begin, part.end, tile - group * group_tiles, end - group * group_tiles});
      tile = end;
    }
  }

  static int64_t tiles_of_group(const SparseGemm& g) {
    return divide_up(g.packed.header.out_channels / g.packed.header.groups, kTileChannels);
  }

 private:
  // `part`: tiles of this group.
  void run_group(int64_t group, const Part& part) const {
    const PackedHeader& h = g_.packed.header;
    const int64_t group_out = h.out_channels / h.groups;
    const int64_t first = part.tile_begin * kTileChannels;
    const int64_t slot = group * tiles_of_group(g_) * kTileChannels + first;
    SpgemmArgs args{};
    args.quads = static_cast<size_t>(quads_of(g_.source.k()));
    args.channels = static_cast<size_t>(std::min(part.tile_end * kTileChannels, group_out) - first);
    args.block_channels = h.block_channels;
    args.begin = g_.packed.block_begin + slot / h.block_channels;
    args.quad = g_.packed.block_quad;
    args.w = g_.packed.weights;
    args.out_stride = h.out_channels;
    args.scratch = scratch_;
    args.epilogue = g_.epilogue;
    args.epilogue.bias += slot;
    args.epilogue.wsum += slot;
    args.epilogue.scale += slot;
    if (g_.epilogue.rows.scale != nullptr) args.epilogue.rows.bias += slot;
    const int64_t vector = static_cast<int64_t>(kernel_.vector);
    // Blocks of about equal size, and panels of a block likewise.
    const int64_t pixels = part.end - part.begin;
    const int64_t block = round_up(divide_up(pixels, divide_up(pixels, layout_.block_pixels)), vector);
    for (int64_t begin = part.begin; begin < part.end; begin += block) {
      const int64_t end = std::min(begin + block, part.end);
      const auto widest = static_cast<int64_t>(kernel_.most_pixels(args.quads, args.block_channels));
      const int64_t panel = round_up(divide_up(end - begin, divide_up(end - begin, widest)), vector);
      const int64_t first_channel = group * g_.source.channels;
      if (end - begin == 1 && kernel_.run_row != nullptr) {
        writer_.write_row(first_channel, begin, block_);
      } else {
        for (int64_t p = begin; p < end; p += panel) {
          char* to = block_ + (p - begin) * static_cast<int64_t>(args.quads) * kQuadBytes;
          writer_.write(first_channel, p, std::min(p + panel, end), to);
        }
      }
      if (g_.epilogue.rows.scale != nullptr) {
        args.epilogue.rows.scale = g_.epilogue.rows.scale + begin;
        args.epilogue.rows.zero_point = g_.epilogue.rows.zero_point + begin;
      }
      args.pixels = static_cast<size_t>(end - begin);
      args.panel_pixels = static_cast<size_t>(panel);
      args.panels = block_;
      run_block(args, begin * h.out_channels + group * group_out + first);
    }
  }

  // `first`: element of the output that the block begins with.
  void run_block(SpgemmArgs args, int64_t first) const {
    args.out = g_.out == nullptr ? nullptr : g_.out + first;
    args.out_float = g_.out_float == nullptr ? nullptr : g_.out_float + first;
    ResidualAdd residual{};
    if (g_.epilogue.residual != nullptr) {
      residual = *g_.epilogue.residual;
      residual.data += first;
      args.epilogue.residual = &residual;
    }
    args.pixels == 1 && kernel_.run_row != nullptr ? kernel_.run_row(args) : kernel_.run(args);
    if (args.out == nullptr || !g_.epilogue.out_u8 || kernel_.u8) return;
    for (size_t p = 0; p < args.pixels; ++p) {
      int8_t* to = args.out + p * args.out_stride;
      for (size_t c = 0; c < args.channels; ++c) to[c] = static_cast<int8_t>(to[c] ^ 0x80);
    }
  }

  const SparseGemm& g_;
  const SpgemmKernel& kernel_;
  Layout layout_;
  char* scratch_;
  PanelWriter writer_;
  char* block_;
};

}  // namespace

size_t sparse_gemm_workspace(const RowSource& source, int threads) {
  return static_cast<size_t>(Layout(source).bytes * std::max(threads, 1));
}

void sparse_gemm(const SparseGemm& g, const Context& context) {
  const SpgemmKernel& kernel = select_spgemm();
  const PackedHeader& h = g.packed.header;
  const int64_t pixels = g.source.rows();
  const int64_t tiles = Runner::tiles_of_group(g) * h.groups;
  const int64_t bytes = Layout(g.source).bytes;
  char* workspace = static_cast<char*>(context.workspace);
  // Below this many multiply-adds a task costs more to start than it saves.
  constexpr int64_t kGrainMacs = 64 * 1024;
  const int64_t pixel_macs = (work_before(g.packed, tiles) + 1) * h.block_channels * h.block_k;
  const auto unit = static_cast<int64_t>(kMostVectorPixels);  // of pixels that tasks are cut at
  if (pixels >= 4 * unit * context.threads || tiles == 1) {
    parallel_for(context, divide_up(pixels, unit), kGrainMacs / (pixel_macs * unit) + 1,
                 [&](int task, int64_t begin, int64_t end) {
                   const Part part{begin * unit, std::min(end * unit, pixels), 0, tiles};
                   Runner(g, kernel, workspace + task * bytes).run(part);
                 });
    return;
  }
  // Few pixels (the last layers, linear): every task packs all of them and takes a share of the blocks.
  const int64_t most = std::max<int64_t>(pixel_macs * pixels / kGrainMacs, 1);
  const int64_t parts = std::min({static_cast<int64_t>(context.threads), tiles, most});
  parallel_for(context, parts, 1, [&](int task, int64_t begin, int64_t end) {
    const Part part{0, pixels, tile_at(g.packed, tiles, begin, parts), tile_at(g.packed, tiles, end, parts)};
    Runner(g, kernel, workspace + task * bytes).run(part);
  });
}

}  // namespace mobilekernels
