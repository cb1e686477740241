#include "kernels/pool/pool_inl.h"

namespace mobilekernels {
namespace avx512vnni {

extern const PoolKernels pool;
const PoolKernels pool = {pool_loops::max, pool_loops::accumulate, pool_loops::finish};

}  // namespace avx512vnni
}  // namespace mobilekernels
