// ARMv8.2 with dot products: sdot by lane.
#include "kernels/spgemm/neon_dotprod_inl.h"

namespace mobilekernels {
namespace neon_dotprod {

extern const SpgemmKernel spgemm;
const SpgemmKernel spgemm = {spgemm_neon::kVector,
                             /*u8=*/false,
                             spgemm_neon::most_pixels<DotprodSums>,
                             spgemm_neon::pack,
                             spgemm_neon::run<DotprodSums>,
                             spgemm_neon::run_row<DotprodDot>};

}  // namespace neon_dotprod
}  // namespace mobilekernels
