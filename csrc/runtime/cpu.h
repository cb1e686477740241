// What this CPU and its operating system can run.
#pragma once

#include "kernels/isa.h"

namespace mobilekernels {

// True where every instruction that files of this ISA are compiled with may be executed.
bool cpu_can_run(Isa isa);

}  // namespace mobilekernels
