#include "threads.h"

namespace guest {
namespace {

enum class State { none, ready, waiting };

struct Thread {
  State state;
  Registers registers;
  uint64_t thread_pointer;
  const uint32_t* waits_for;
  uint32_t* clear_at_end;
  ExtendedState extended;
};

constexpr int kMost = 64;
Thread g_threads[kMost];
int g_running = 0;

// The next that is ready, in turn.
void switch_thread(Registers* registers) {
  for (int step = 1; step <= kMost; ++step) {
    const int next = (g_running + step) % kMost;
    Thread& thread = g_threads[next];
    if (thread.state != State::ready) continue;
    if (next == g_running) return;
    g_running = next;
    *registers = thread.registers;
    write_msr(kFsBase, thread.thread_pointer);
    restore(&thread.extended);
    return;
  }
  give_up("every thread waits; the last one is at", registers->rip);
}

void store(Thread* thread, const Registers& registers) {
  thread->registers = registers;
  thread->thread_pointer = read_msr(kFsBase);
  save(&thread->extended);
}

}  // namespace

void begin_threads() { g_threads[0].state = State::ready; }

int64_t this_thread() { return g_running + 1; }

void clear_at_end(uint32_t* word) { g_threads[g_running].clear_at_end = word; }

int64_t start_thread(const Registers& parent, uint64_t stack, uint64_t thread_pointer, uint32_t* clear_at_end) {
  for (int i = 0; i < kMost; ++i) {
    Thread& thread = g_threads[i];
    if (thread.state != State::none) continue;
    store(&thread, parent);
    thread.state = State::ready;
    thread.registers.rax = 0;
    thread.registers.rsp = stack;
    thread.thread_pointer = thread_pointer;
    thread.clear_at_end = clear_at_end;
    return i + 1;
  }
  return -11;  // EAGAIN
}

void yield(Registers* registers) {
  store(&g_threads[g_running], *registers);
  switch_thread(registers);
}

void end_thread(Registers* registers) {
  Thread& thread = g_threads[g_running];
  thread.state = State::none;
  if (thread.clear_at_end != nullptr) {
    *thread.clear_at_end = 0;
    wake(thread.clear_at_end, 1);
  }
  switch_thread(registers);
}

void wait_for(Registers* registers, const uint32_t* word) {
  Thread& thread = g_threads[g_running];
  store(&thread, *registers);
  thread.state = State::waiting;
  thread.waits_for = word;
  switch_thread(registers);
}

int64_t wake(const uint32_t* word, int64_t most) {
  int64_t woken = 0;
  for (Thread& thread : g_threads) {
    if (woken == most) break;
    if (thread.state != State::waiting || thread.waits_for != word) continue;
    thread.state = State::ready;
    ++woken;
  }
  return woken;
}

}  // namespace guest
