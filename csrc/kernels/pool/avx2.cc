#include "kernels/pool/max_vectors_x86_inl.h"
#include "kernels/pool/pool_inl.h"

namespace mobilekernels {
namespace avx2 {

using namespace max_lines;

extern const PoolKernels pool;
const PoolKernels pool = {run<Lanes32, Lanes16, Lanes8, One>, pool_loops::accumulate, pool_loops::finish};

}  // namespace avx2
}  // namespace mobilekernels
