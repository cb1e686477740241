// A kernel for one program: loads it, serves its system calls, and says what killed it. There is no reason to wait for
// an operating system to boot where all that is wanted is a processor.
#include <elf.h>

#include <initializer_list>

#include "bundle.h"
#include "machine.h"
#include "pages.h"
#include "steps.h"
#include "system_calls.h"
#include "threads.h"

extern "C" void system_call();                                     // entry.S
extern "C" const char exceptions[32][16];                          // entry.S
extern "C" [[noreturn]] void start_user(const guest::Registers*);  // entry.S

namespace guest {
namespace {

constexpr uint64_t kKernelCode = 0x08, kUserCode = 0x2b, kUserData = 0x23;  // entry.S
constexpr uint64_t kStackEnd = 0x7ffffff00000, kStackBytes = 1u << 20;

struct Gate {
  uint16_t low, selector, attributes, middle;
  uint32_t high, reserved;
};
Gate g_gates[32];

void catch_exceptions() {
  for (int i = 0; i < 32; ++i) {
    const auto address = reinterpret_cast<uint64_t>(&exceptions[i]);
    g_gates[i] = {static_cast<uint16_t>(address),
                  kKernelCode,
                  0x8e00,  // present, an interrupt gate
                  static_cast<uint16_t>(address >> 16),
                  static_cast<uint32_t>(address >> 32),
                  0};
  }
  const struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } pointer{sizeof(g_gates) - 1, reinterpret_cast<uint64_t>(g_gates)};
  asm volatile("lidt %0" ::"m"(pointer));
}

void take_system_calls() {
  constexpr uint32_t kStar = 0xc0000081, kLstar = 0xc0000082, kFlagMask = 0xc0000084;
  write_msr(kStar, kKernelCode << 32);
  write_msr(kLstar, reinterpret_cast<uint64_t>(&system_call));
  write_msr(kFlagMask, 0x700);  // the interrupt, direction and trap flags
}

const Elf64_Ehdr& header() { return *reinterpret_cast<const Elf64_Ehdr*>(program()); }
const Elf64_Phdr* segments() { return reinterpret_cast<const Elf64_Phdr*>(program() + header().e_phoff); }

// Counters for the program's instructions, in memory from there on; what is free behind them.
uint64_t reserve_program_counters(uint64_t memory) {
  for (int i = 0; i < header().e_phnum; ++i) {
    const Elf64_Phdr& segment = segments()[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    memory = reserve_counters(memory, segment.p_vaddr, segment.p_vaddr + segment.p_memsz);
  }
  return memory;
}

// Where the program's headers are in its own memory, for the unwinder.
uint64_t load_segments() {
  if (header().e_ident[EI_CLASS] != ELFCLASS64 || header().e_type != ET_EXEC) {
    give_up("the program is no static executable: e_type", header().e_type);
  }
  uint64_t headers = 0, end = 0;
  for (int i = 0; i < header().e_phnum; ++i) {
    const Elf64_Phdr& segment = segments()[i];
    if (segment.p_type != PT_LOAD) continue;
    const uint64_t begin = segment.p_vaddr / kPage * kPage;
    end = round_up_to_page(segment.p_vaddr + segment.p_memsz);
    map(begin, end - begin, kRead | kWrite);
    __builtin_memcpy(reinterpret_cast<void*>(segment.p_vaddr), program() + segment.p_offset, segment.p_filesz);
    if (segment.p_offset <= header().e_phoff && header().e_phoff < segment.p_offset + segment.p_filesz) {
      headers = segment.p_vaddr + header().e_phoff - segment.p_offset;
    }
  }
  set_break(end);
  return headers;
}

// argc, argv, envp, the auxiliary vector; where the stack pointer is to be. (System V ABI for AMD64, 3.4.1)
uint64_t fill_stack(uint64_t headers) {
  map(kStackEnd - kStackBytes, kStackBytes, kRead | kWrite);
  const Bundle& b = bundle();
  const auto strings_bytes = static_cast<uint64_t>(program() - reinterpret_cast<const uint8_t*>(first_string()));
  auto* strings = reinterpret_cast<char*>(kStackEnd - round_up_to_page(strings_bytes));
  __builtin_memcpy(strings, first_string(), strings_bytes);
  auto* random = reinterpret_cast<uint64_t*>(strings) - 2;
  random[0] = random[1] = 0x0123456789abcdef;
  const uint64_t auxiliary[] = {AT_PHDR,   headers,
                                AT_PHENT,  sizeof(Elf64_Phdr),
                                AT_PHNUM,  header().e_phnum,
                                AT_PAGESZ, kPage,
                                AT_ENTRY,  header().e_entry,
                                AT_RANDOM, reinterpret_cast<uint64_t>(random),
                                AT_SECURE, 0,
                                AT_NULL,   0};
  const uint64_t words = 1 + b.arguments + 1 + b.variables + 1 + sizeof(auxiliary) / 8;
  uint64_t* stack = random - (words + 1) / 2 * 2;
  uint64_t* at = stack;
  *at++ = b.arguments;
  const char* text = strings;
  for (const uint64_t count : {b.arguments, b.variables}) {
    for (uint64_t i = 0; i < count; ++i, text = next_string(text)) *at++ = reinterpret_cast<uint64_t>(text);
    *at++ = 0;
  }
  __builtin_memcpy(at, auxiliary, sizeof(auxiliary));
  return reinterpret_cast<uint64_t>(stack);
}

uint64_t fault_address() {
  uint64_t address;
  asm volatile("mov %%cr2, %0" : "=r"(address));
  return address;
}

[[noreturn]] void die(const Registers& registers) {
  constexpr uint64_t kInvalidOpcode = 6;
  print("\nguest: at ");
  print_address(registers.rip);
  if (registers.vector == kInvalidOpcode) give_up("killed by an illegal instruction at", registers.rip);
  if (registers.vector == kPageFault) give_up("killed by an access to", fault_address());
  give_up("killed by exception", registers.vector);
}

}  // namespace
}  // namespace guest

extern "C" void enter(guest::Registers* registers) {
  constexpr uint64_t kWrite = 2;  // in a page fault's error code
  if (registers->vector == guest::kSystemCall) {
    guest::do_system_call(registers);
  } else if (registers->vector != guest::kPageFault ||
             !guest::touch(guest::fault_address(), (registers->error & kWrite) != 0)) {
    guest::die(*registers);
  }
}

extern "C" [[noreturn]] void kernel_main() {
  using namespace guest;
  catch_exceptions();
  take_system_calls();
  enable_extended_state();
  if (!bundle_is_whole()) give_up("the bundle's end is missing at", kBundle + bundle().bundle_bytes);
  give_memory(reserve_program_counters(kBundle + bundle().bundle_bytes), bundle().memory_bytes);
  begin_threads();
  Registers registers{};
  registers.rsp = fill_stack(load_segments());
  registers.rip = header().e_entry;
  registers.cs = kUserCode;
  registers.ss = kUserData;
  registers.flags = 2;
  start_user(&registers);
}
