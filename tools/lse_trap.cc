// Lets PyTorch's aarch64 wheel start on an emulated ARMv8.0 core: its libc10 (2.10.0) was compiled with the atomic
// instructions of ARMv8.1 (LSE), which a cortex-a53 does not have. Preloaded, this library catches the illegal
// instruction and does what it asks for. It does so for LSE alone, and never inside our own libraries: any other
// illegal instruction still kills the process, which is what the tests are to see.
#include <dlfcn.h>
#include <ucontext.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace {

// One trapped instruction of "Load/store exclusive, compare and swap" or "Atomic memory operations" (Arm ARM C4.1.94).
struct Instruction {
  std::uint32_t word;
  unsigned size() const { return word >> 30; }  // log2 of the bytes
  unsigned rs() const { return word >> 16 & 31; }
  unsigned rn() const { return word >> 5 & 31; }
  unsigned rt() const { return word & 31; }
  bool is_compare_and_swap() const { return (word & 0x3fa07c00) == 0x08a07c00; }
  bool is_swap() const { return (word & 0x3f20fc00) == 0x38208000; }
  bool is_fetch() const { return (word & 0x3f208c00) == 0x38200000; }
  unsigned operation() const { return word >> 12 & 7; }
};

template <typename T>
T combine(unsigned operation, T old, T operand) {
  using Signed = std::make_signed_t<T>;
  switch (operation) {
    case 0:
      return static_cast<T>(old + operand);
    case 1:
      return static_cast<T>(old & ~operand);
    case 2:
      return old ^ operand;
    case 3:
      return old | operand;
    case 4:
      return static_cast<Signed>(old) > static_cast<Signed>(operand) ? old : operand;
    case 5:
      return static_cast<Signed>(old) < static_cast<Signed>(operand) ? old : operand;
    case 6:
      return old > operand ? old : operand;
    default:
      return old < operand ? old : operand;
  }
}

// Does the instruction, always with the strongest ordering. Compiled with ARMv8.0's load/store exclusive.
template <typename T>
void execute(Instruction instruction, mcontext_t& machine) {
  // 31 is the zero register, but the stack pointer as a base.
  const auto read = [&](unsigned n) { return n == 31 ? T{0} : static_cast<T>(machine.regs[n]); };
  const auto write = [&](unsigned n, T value) {
    if (n != 31) machine.regs[n] = value;
  };
  T* const address = reinterpret_cast<T*>(instruction.rn() == 31 ? machine.sp : machine.regs[instruction.rn()]);
  if (instruction.is_compare_and_swap()) {
    T expected = read(instruction.rs());
    __atomic_compare_exchange_n(address, &expected, read(instruction.rt()), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    write(instruction.rs(), expected);
    return;
  }
  const T operand = read(instruction.rs());
  T old = __atomic_load_n(address, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(address, &old,
                                      instruction.is_swap() ? operand : combine(instruction.operation(), old, operand),
                                      false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  write(instruction.rt(), old);
}

bool is_ours(std::uint64_t pc) {
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(pc), &info) != 0 && info.dli_fname != nullptr &&
         (std::strstr(info.dli_fname, "libmobilekernels") != nullptr ||
          std::strstr(info.dli_fname, "_core.") != nullptr);
}

void on_illegal_instruction(int signal, siginfo_t*, void* context) {
  mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
  Instruction instruction{};
  std::memcpy(&instruction.word, reinterpret_cast<void*>(machine.pc), sizeof instruction.word);
  const bool known = instruction.is_compare_and_swap() || instruction.is_swap() || instruction.is_fetch();
  if (!known || is_ours(machine.pc)) {
    std::signal(signal, SIG_DFL);  // the instruction is tried again, and this time it kills
    return;
  }
  switch (instruction.size()) {
    case 0:
      execute<std::uint8_t>(instruction, machine);
      break;
    case 1:
      execute<std::uint16_t>(instruction, machine);
      break;
    case 2:
      execute<std::uint32_t>(instruction, machine);
      break;
    default:
      execute<std::uint64_t>(instruction, machine);
      break;
  }
  machine.pc += 4;
}

[[gnu::constructor]] void install() {
  struct sigaction action{};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, nullptr);
}

}  // namespace
