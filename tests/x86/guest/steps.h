// How often each instruction of the program was executed in a section of its run: the trap flag makes every one of them
// an exception, which entry.S counts. Sections are those of mk_bench --mark: they begin with the system call
// getpriority(0x6d6b, number), and number 0 is what is not counted.
#pragma once

#include <cstdint>

#include "machine.h"

namespace guest {

constexpr uint64_t kMarker = 0x6d6b;

// Counters for code at begin <= address < end go to physical memory from `memory` on. What is free behind them.
uint64_t reserve_counters(uint64_t memory, uint64_t begin, uint64_t end);
// Ends the section that runs, if one does: prints a line "@<section> <address> <executions>" for each instruction that
// was executed, in hexadecimal. Then begins section `number`.
void begin_section(Registers* registers, uint64_t number);

}  // namespace guest
