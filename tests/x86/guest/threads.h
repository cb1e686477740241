// The program's threads. One runs until it waits, yields or ends: nothing interrupts it.
#pragma once

#include <cstdint>

#include "machine.h"

namespace guest {

// The first is the one that runs now.
void begin_threads();
// clone: a further thread with the registers of this one, on a stack of its own. Its number.
int64_t start_thread(const Registers& parent, uint64_t stack, uint64_t thread_pointer, uint32_t* clear_at_end);
int64_t this_thread();
// set_tid_address: the word that is cleared, and its waiters woken, when this thread ends.
void clear_at_end(uint32_t* word);

// Each leaves in `registers` those of the thread that runs next.
void yield(Registers* registers);
void end_thread(Registers* registers);
void wait_for(Registers* registers, const uint32_t* word);
// How many were waiting, at most `most`.
int64_t wake(const uint32_t* word, int64_t most);

}  // namespace guest
