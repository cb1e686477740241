#include "kernels/pool/max_line_inl.h"
#include "kernels/pool/pool_inl.h"

namespace mobilekernels {
namespace scalar {

extern const PoolKernels pool;
const PoolKernels pool = {max_lines::run<max_lines::One>, pool_loops::accumulate, pool_loops::finish};

}  // namespace scalar
}  // namespace mobilekernels
