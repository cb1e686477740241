// The instruction sets a kernel can be written for, in the order in which dispatch prefers them.
//
// Contract of csrc/kernels: raw pointers and sizes in, bytes out. No allocation, no threads, no state,
// no torch. Each ISA file is compiled with its own flags inside its own namespace, and whatever it
// shares with another file is `static inline` (internal linkage): a weak symbol compiled with newer
// flags could be the copy the linker keeps, which is an illegal instruction on an old core.
#pragma once

// Later entries are preferred over earlier ones on the same architecture.
#define MOBILEKERNELS_FOR_EACH_ISA(X) \
  X(scalar)                           \
  X(avx2)                             \
  X(avx512vnni)                       \
  X(neon)                             \
  X(neon_dotprod)                     \
  X(neon_i8mm)

namespace mobilekernels {

enum class Isa : int {
#define MOBILEKERNELS_ENUM(isa) isa,
  MOBILEKERNELS_FOR_EACH_ISA(MOBILEKERNELS_ENUM)
#undef MOBILEKERNELS_ENUM
};

#define MOBILEKERNELS_COUNT(isa) +1
constexpr int kIsaCount = 0 MOBILEKERNELS_FOR_EACH_ISA(MOBILEKERNELS_COUNT);
#undef MOBILEKERNELS_COUNT

}  // namespace mobilekernels
