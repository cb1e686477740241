// Every kernel there is: (family, ISA). Dispatch, tests and benchmarks are generated from this list, so a
// kernel cannot exist untested. A pair that is listed has the file kernels/<family>/<isa>.cc, which defines
// `mobilekernels::<isa>::<family>`. What a build leaves out (another architecture, a compiler without the
// flags) is told by the MOBILEKERNELS_HAVE_<isa> definitions from CMake.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "kernels/pool/pool.h"
#include "kernels/spgemm/spgemm.h"
#include "kernels/spgemm_f32/spgemm_f32.h"

// X(type, family)
#define MOBILEKERNELS_FOR_EACH_FAMILY(X) \
  X(GemmKernel, gemm)                    \
  X(DepthwiseKernel, depthwise)          \
  X(ElementwiseKernels, elementwise)     \
  X(PoolKernels, pool)                   \
  X(SpgemmKernel, spgemm)                \
  X(SpgemmF32Kernel, spgemm_f32)

// X(type, family, isa)
#define MOBILEKERNELS_ALL_FAMILIES(X, isa) \
  X(GemmKernel, gemm, isa)                 \
  X(DepthwiseKernel, depthwise, isa)       \
  X(ElementwiseKernels, elementwise, isa)  \
  X(PoolKernels, pool, isa)

#define MOBILEKERNELS_SCALAR_KERNELS(X) \
  MOBILEKERNELS_ALL_FAMILIES(X, scalar) \
  X(SpgemmKernel, spgemm, scalar)       \
  X(SpgemmF32Kernel, spgemm_f32, scalar)

#if MOBILEKERNELS_HAVE_avx2
#define MOBILEKERNELS_AVX2_KERNELS(X) \
  MOBILEKERNELS_ALL_FAMILIES(X, avx2) \
  X(SpgemmKernel, spgemm, avx2)       \
  X(SpgemmF32Kernel, spgemm_f32, avx2)
#else
#define MOBILEKERNELS_AVX2_KERNELS(X)
#endif

#if MOBILEKERNELS_HAVE_avx512vnni
#define MOBILEKERNELS_AVX512VNNI_KERNELS(X) \
  MOBILEKERNELS_ALL_FAMILIES(X, avx512vnni) \
  X(SpgemmKernel, spgemm, avx512vnni)       \
  X(SpgemmF32Kernel, spgemm_f32, avx512vnni)
#else
#define MOBILEKERNELS_AVX512VNNI_KERNELS(X)
#endif

// What needs more of NEON than armv7 has.
#if defined(__aarch64__) || defined(MOBILEKERNELS_HAVE_ALL)
#define MOBILEKERNELS_AARCH64_KERNELS(X) X(SpgemmF32Kernel, spgemm_f32, neon)
#else
#define MOBILEKERNELS_AARCH64_KERNELS(X)
#endif

#if MOBILEKERNELS_HAVE_neon
#define MOBILEKERNELS_NEON_KERNELS(X) \
  MOBILEKERNELS_ALL_FAMILIES(X, neon) \
  X(SpgemmKernel, spgemm, neon)       \
  MOBILEKERNELS_AARCH64_KERNELS(X)
#else
#define MOBILEKERNELS_NEON_KERNELS(X)
#endif

#if MOBILEKERNELS_HAVE_neon_dotprod
#define MOBILEKERNELS_NEON_DOTPROD_KERNELS(X) \
  X(GemmKernel, gemm, neon_dotprod)           \
  X(DepthwiseKernel, depthwise, neon_dotprod) \
  X(SpgemmKernel, spgemm, neon_dotprod)
#else
#define MOBILEKERNELS_NEON_DOTPROD_KERNELS(X)
#endif

#if MOBILEKERNELS_HAVE_neon_i8mm
#define MOBILEKERNELS_NEON_I8MM_KERNELS(X) \
  X(GemmKernel, gemm, neon_i8mm)           \
  X(SpgemmKernel, spgemm, neon_i8mm)
#else
#define MOBILEKERNELS_NEON_I8MM_KERNELS(X)
#endif

#define MOBILEKERNELS_FOR_EACH_KERNEL(X) \
  MOBILEKERNELS_SCALAR_KERNELS(X)        \
  MOBILEKERNELS_AVX2_KERNELS(X)          \
  MOBILEKERNELS_AVX512VNNI_KERNELS(X)    \
  MOBILEKERNELS_NEON_KERNELS(X)          \
  MOBILEKERNELS_NEON_DOTPROD_KERNELS(X)  \
  MOBILEKERNELS_NEON_I8MM_KERNELS(X)

namespace mobilekernels {

#define MOBILEKERNELS_DECLARE(type, family, isa) \
  namespace isa {                                \
  extern const type family;                      \
  }
MOBILEKERNELS_FOR_EACH_KERNEL(MOBILEKERNELS_DECLARE)
#undef MOBILEKERNELS_DECLARE

}  // namespace mobilekernels
