#include "runtime/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__) && (defined(__aarch64__) || defined(__arm__))
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace mobilekernels {
namespace {

#if defined(__x86_64__)

struct X86Features {
  bool avx2 = false;
  bool avx512vnni = false;
};

unsigned long long read_xcr0() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<unsigned long long>(high) << 32) | low;
}

// Intel SDM vol. 1, 14.3 and 15.2: a CPU bit counts only where the system saves the registers too (XCR0).
X86Features detect() {
  X86Features features;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return features;
  constexpr unsigned kOsxsave = 1u << 27;
  constexpr unsigned kAvx = 1u << 28;
  constexpr unsigned kFma = 1u << 12;
  if ((c & kOsxsave) == 0 || (c & kAvx) == 0) return features;
  const bool fma = (c & kFma) != 0;
  const unsigned long long saved = read_xcr0();
  constexpr unsigned long long kYmm = 0x6;
  constexpr unsigned long long kZmm = 0xe6;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
  constexpr unsigned kAvx2 = 1u << 5;
  constexpr unsigned kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  constexpr unsigned kVnni = 1u << 11;                                     // in ecx
  // The avx2 kernels use FMA, too: no core of Intel or AMD has the one without the other, but some of others do.
  features.avx2 = fma && (saved & kYmm) == kYmm && (b & kAvx2) != 0;
  features.avx512vnni = features.avx2 && (saved & kZmm) == kZmm && (b & kAvx512) == kAvx512 && (c & kVnni) != 0;
  return features;
}

bool detect_isa(Isa isa) {
  const X86Features features = detect();
  return isa == Isa::avx2 ? features.avx2 : isa == Isa::avx512vnni && features.avx512vnni;
}

#elif defined(__linux__) && defined(__aarch64__)

// Bits of arch/arm64/include/uapi/asm/hwcap.h, stated here because old sysroots lack the newer ones.
bool detect_isa(Isa isa) {
  constexpr unsigned long kHwcapAsimd = 1ul << 1;
  constexpr unsigned long kHwcapDotprod = 1ul << 20;
  constexpr unsigned long kHwcap2I8mm = 1ul << 13;
  constexpr unsigned long kAtHwcap2 = 26;
  const unsigned long hwcap = getauxval(AT_HWCAP);
  const bool dotprod = (hwcap & kHwcapAsimd) != 0 && (hwcap & kHwcapDotprod) != 0;
  switch (isa) {
    case Isa::neon:
      return (hwcap & kHwcapAsimd) != 0;
    case Isa::neon_dotprod:
      return dotprod;
    case Isa::neon_i8mm:
      return dotprod && (getauxval(kAtHwcap2) & kHwcap2I8mm) != 0;
    default:
      return false;
  }
}

#elif defined(__linux__) && defined(__arm__)

bool detect_isa(Isa isa) {
  constexpr unsigned long kHwcapNeon = 1ul << 12;
  return isa == Isa::neon && (getauxval(AT_HWCAP) & kHwcapNeon) != 0;
}

#elif defined(__APPLE__) && defined(__aarch64__)

bool sysctl_flag(const char* name) {
  int value = 0;
  size_t size = sizeof(value);
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

bool detect_isa(Isa isa) {
  switch (isa) {
    case Isa::neon:
      return true;
    case Isa::neon_dotprod:
      return sysctl_flag("hw.optional.arm.FEAT_DotProd");
    case Isa::neon_i8mm:
      return sysctl_flag("hw.optional.arm.FEAT_DotProd") && sysctl_flag("hw.optional.arm.FEAT_I8MM");
    default:
      return false;
  }
}

#else

bool detect_isa(Isa) { return false; }

#endif

}  // namespace

bool cpu_can_run(Isa isa) {
  if (isa == Isa::scalar) return true;
  struct Table {
    bool can[kIsaCount];
    Table() {
      for (int i = 0; i < kIsaCount; ++i) can[i] = detect_isa(static_cast<Isa>(i));
    }
  };
  static const Table table;
  return table.can[static_cast<int>(isa)];
}

}  // namespace mobilekernels
