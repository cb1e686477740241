#include "steps.h"

#include "pages.h"

// Read by entry.S: the counter of an instruction at `address` is step_counters[address - step_begin].
extern "C" {
uint32_t* step_counters = nullptr;
uint64_t step_begin = 0, step_bytes = 0;
}

namespace guest {
namespace {

constexpr uint64_t kTrapFlag = 1 << 8;
uint64_t g_section = 0;

void print_hexadecimal(uint64_t value) {
  char digits[16];
  uint64_t begin = sizeof(digits);
  do {
    digits[--begin] = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value != 0);
  print(digits + begin, sizeof(digits) - begin);
}

// The next counter that is not 0, or `end`: one instruction, for emulation is slow.
uint32_t* skip_zeros(uint32_t* at, uint32_t* end) {
  auto left = static_cast<uint64_t>(end - at);
  bool found = false;
  if (left > 0) asm volatile("repe scasl" : "+D"(at), "+c"(left), "=@ccne"(found) : "a"(0) : "memory");
  return found ? at - 1 : end;
}

void print_counters() {
  uint32_t* const end = step_counters + step_bytes;
  for (uint32_t* at = skip_zeros(step_counters, end); at != end; at = skip_zeros(at + 1, end)) {
    print("@");
    print_hexadecimal(g_section);
    print(" ");
    print_hexadecimal(step_begin + static_cast<uint64_t>(at - step_counters));
    print(" ");
    print_hexadecimal(*at);
    print("\n");
  }
}

}  // namespace

uint64_t reserve_counters(uint64_t memory, uint64_t begin, uint64_t end) {
  memory = round_up_to_page(memory);
  step_counters = reinterpret_cast<uint32_t*>(seen(memory));
  step_begin = begin;
  step_bytes = end - begin;
  return memory + step_bytes * sizeof(uint32_t);
}

void begin_section(Registers* registers, uint64_t number) {
  if (g_section != 0) print_counters();
  g_section = number;
  if (number == 0) {
    registers->flags &= ~kTrapFlag;
  } else {
    __builtin_memset(step_counters, 0, step_bytes * sizeof(uint32_t));
    registers->flags |= kTrapFlag;
  }
}

}  // namespace guest
