// Many small parallel jobs in one parallel region. Entering a pool costs some 5 to 10 us (OpenMP, wake-ups); a network
// has sixty operators of 20 us. So the threads come once, and wait between jobs on a word in memory.
#pragma once

#include "runtime/context.h"

namespace mobilekernels {

// Calls body(arg, context) once, on any one of outer's threads, and returns when it has. That context's run_tasks
// hands tasks to the other threads without entering the pool again; they must not call run_tasks themselves.
// Right for any pool: one that runs its tasks one after the other, or on fewer threads, only takes longer. An
// exception of `body` or of a task is rethrown here, after all threads have left.
void run_as_team(const Context& outer, void (*body)(void* arg, const Context& context), void* arg);

}  // namespace mobilekernels
