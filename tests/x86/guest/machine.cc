#include "machine.h"

#include <initializer_list>

namespace guest {
namespace {

uint32_t g_state_low = 0;  // of XCR0

}  // namespace

void enable_extended_state() {
  uint32_t a = 1, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  constexpr uint32_t kXsave = 1u << 26;
  if ((c & kXsave) == 0) give_up("the CPU lacks XSAVE: cpuid leaf 1, ecx", c);
  a = 0xd;
  c = 0;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  constexpr uint32_t kUsed = 0xe7;  // x87, SSE, AVX; opmask, upper halves, upper registers of AVX-512
  g_state_low = a & kUsed;
  asm volatile("xsetbv" ::"c"(0), "a"(g_state_low), "d"(0));
  asm volatile("fninit");
}

void save(ExtendedState* state) { asm volatile("xsave64 %0" : "+m"(*state) : "a"(g_state_low), "d"(0)); }
void restore(const ExtendedState* state) { asm volatile("xrstor64 %0" ::"m"(*state), "a"(g_state_low), "d"(0)); }

// The parallel port takes a byte at once, where a serial port would take its time.
void print(const char* text, size_t n) {
  constexpr uint16_t kData = 0x378, kControl = 0x37a;
  constexpr uint8_t kReady = 0x0c, kStrobe = 0x0d;
  for (size_t i = 0; i < n; ++i) {
    write_port(kData, static_cast<uint8_t>(text[i]));
    write_port(kControl, kStrobe);
    write_port(kControl, kReady);
  }
}

void print(const char* text) {
  size_t n = 0;
  while (text[n] != 0) ++n;
  print(text, n);
}

void print_number(int64_t value) {
  if (value < 0) print("-", 1);
  uint64_t rest = static_cast<uint64_t>(value < 0 ? -value : value);
  char digits[24];
  size_t begin = sizeof(digits);
  do {
    digits[--begin] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  print(digits + begin, sizeof(digits) - begin);
}

void print_address(uint64_t value) {
  print("0x");
  for (int shift = 60; shift >= 0; shift -= 4) print(&"0123456789abcdef"[value >> shift & 15], 1);
}

void power_off(int64_t code) {
  print("\n[exit ");
  print_number(code);
  print("]\n");
  for (const char letter : {'S', 'h', 'u', 't', 'd', 'o', 'w', 'n'}) write_port(0x8900, static_cast<uint8_t>(letter));
  for (;;) asm volatile("hlt");
}

void give_up(const char* what, uint64_t address) {
  print("\nguest: ");
  print(what);
  print(" ");
  print_address(address);
  power_off(255);
}

}  // namespace guest

// What the compiler makes calls to.
extern "C" void* memset(void* to, int value, size_t n) {
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
  return to;
}
extern "C" void* memcpy(void* to, const void* from, size_t n) {
  void* at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
  return to;
}
