// The system calls that a static program of glibc makes, as far as the tests need them.
#pragma once

#include <cstdint>

#include "machine.h"

namespace guest {

// Where brk's memory begins.
void set_break(uint64_t address);
// Does what registers.rax asks for; the result is in registers.rax.
void do_system_call(Registers* registers);

}  // namespace guest
