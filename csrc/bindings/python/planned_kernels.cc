// The list of kernels as it would be if this build had every ISA: only names are taken from it here, so nothing
// refers to a kernel that was not built.
#undef MOBILEKERNELS_HAVE_avx2
#undef MOBILEKERNELS_HAVE_avx512vnni
#undef MOBILEKERNELS_HAVE_neon
#undef MOBILEKERNELS_HAVE_neon_dotprod
#undef MOBILEKERNELS_HAVE_neon_i8mm
#define MOBILEKERNELS_HAVE_avx2 1
#define MOBILEKERNELS_HAVE_avx512vnni 1
#define MOBILEKERNELS_HAVE_neon 1
#define MOBILEKERNELS_HAVE_neon_dotprod 1
#define MOBILEKERNELS_HAVE_neon_i8mm 1
#define MOBILEKERNELS_HAVE_ALL 1
#include "bindings/python/planned_kernels.h"

#include "kernels/list.h"

namespace mobilekernels::python_face {

std::vector<std::pair<const char*, Isa>> planned_kernels() {
  return {
#define MOBILEKERNELS_PLANNED(type, family, isa) {#family, Isa::isa},
      MOBILEKERNELS_FOR_EACH_KERNEL(MOBILEKERNELS_PLANNED)
#undef MOBILEKERNELS_PLANNED
  };
}

}  // namespace mobilekernels::python_face
