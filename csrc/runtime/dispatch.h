// Which kernel runs: the best one that was built, that this CPU can run, and that the cap allows.
//
// The cap is for tests and bug hunts: the environment variable MOBILEKERNELS_ISA (read once), or
// set_isa_cap(). It is process-wide and may be changed at any time from any thread; an operator already
// running keeps the kernel it began with.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/list.h"
#include "runtime/status.h"

namespace mobilekernels {

const char* isa_name(Isa isa);
bool isa_built(Isa isa);     // has kernels in this library
bool isa_runnable(Isa isa);  // this CPU and operating system can run it
Isa isa_cap();               // the best ISA that may be used now
// "" takes the cap away. An unknown name is a value_error; a known one that is not runnable here caps all the same.
Status set_isa_cap(const std::string& name);
// Not ok where MOBILEKERNELS_ISA names no ISA: everything then runs the scalar kernels.
Status environment_error();

// Never null: `scalar` is always built and runnable.
#define MOBILEKERNELS_SELECT(type, family) const type& select_##family();
MOBILEKERNELS_FOR_EACH_FAMILY(MOBILEKERNELS_SELECT)
#undef MOBILEKERNELS_SELECT

// For tests, benchmarks and listings: every kernel of this build.
struct KernelEntry {
  const char* family;
  Isa isa;
  const void* kernel;  // the family's struct
};
const KernelEntry* kernel_entries(size_t* count);

}  // namespace mobilekernels
