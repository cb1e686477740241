// ARMv8.2 with dot products: 6 x 16 tiles of sdot.
#include "kernels/gemm/gemv_neon_dotprod_inl.h"
#include "kernels/gemm/neon_dotprod_inl.h"

namespace mobilekernels {
namespace neon_dotprod {
namespace {

void run(const GemmArgs& args) {
  args.rows == 1 ? gemm_loops::run<DotprodGemv>(args) : gemm_loops::run<DotprodTile>(args);
}

}  // namespace

extern const GemmKernel gemm;
const GemmKernel gemm = {DotprodTile::kRows,    kPanelChannels,        1,  true,
                         gemm_loops::pack_int8, gemm_loops::fill_int8, run};

}  // namespace neon_dotprod
}  // namespace mobilekernels
