// ARMv8.2 with dot products: 6 x 16 tiles of sdot.
#include "kernels/gemm/neon_dotprod_inl.h"

namespace mobilekernels {
namespace neon_dotprod {

extern const GemmKernel gemm;
const GemmKernel gemm = {
    DotprodTile::kRows,          kPanelChannels, 1, true, gemm_loops::pack_int8, gemm_loops::fill_int8,
    gemm_loops::run<DotprodTile>};

}  // namespace neon_dotprod
}  // namespace mobilekernels
