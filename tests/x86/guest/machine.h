// What the processor and the emulator's devices give: registers, ports, and the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guest {

// What entry.S pushes: a program's registers, in the order of their addresses.
struct Registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t vector, error;  // kSystemCall, or an exception's number and error code
  uint64_t rip, cs, flags, rsp, ss;
};
constexpr uint64_t kSystemCall = 0x100;
constexpr uint64_t kPageFault = 14;

inline void write_port(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

inline void write_msr(uint32_t msr, uint64_t value) {
  asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<uint32_t>(value)), "d"(static_cast<uint32_t>(value >> 32)));
}
inline uint64_t read_msr(uint32_t msr) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return static_cast<uint64_t>(high) << 32 | low;
}
constexpr uint32_t kFsBase = 0xc0000100;

inline uint64_t read_clock() {
  uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return static_cast<uint64_t>(high) << 32 | low;
}

// Every component of the extended state that the CPU has and that software here may use: x87, SSE, AVX, AVX-512.
void enable_extended_state();
struct alignas(64) ExtendedState {
  uint8_t bytes[4096];
};
void save(ExtendedState* state);
void restore(const ExtendedState* state);

// What a program writes: the emulator keeps it in a file.
void print(const char* text, size_t n);
void print(const char* text);
void print_number(int64_t value);
void print_address(uint64_t value);

// "[exit <code>]" as the last line, and the emulator ends.
[[noreturn]] void power_off(int64_t code);
// "guest: <what> <address>", and exit code 255.
[[noreturn]] void give_up(const char* what, uint64_t address);

}  // namespace guest
