#include "runtime/dispatch.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "runtime/cpu.h"

namespace mobilekernels {
namespace {

constexpr const char* kIsaNames[] = {
#define MOBILEKERNELS_NAME(isa) #isa,
    MOBILEKERNELS_FOR_EACH_ISA(MOBILEKERNELS_NAME)
#undef MOBILEKERNELS_NAME
};

constexpr KernelEntry kEntries[] = {
#define MOBILEKERNELS_ENTRY(type, family, isa) {#family, Isa::isa, &isa::family},
    MOBILEKERNELS_FOR_EACH_KERNEL(MOBILEKERNELS_ENTRY)
#undef MOBILEKERNELS_ENTRY
};

constexpr int kNoCap = kIsaCount - 1;

int parse_isa(const char* name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (std::strcmp(name, kIsaNames[i]) == 0) return i;
  }
  return -1;
}

// An unknown name in the environment must not be ignored: it caps to scalar, which is always right,
// and environment_error() tells whoever lists the kernels.
int cap_from_environment() {
  const char* name = std::getenv("MOBILEKERNELS_ISA");
  if (name == nullptr || *name == '\0') return kNoCap;
  const int isa = parse_isa(name);
  return isa < 0 ? static_cast<int>(Isa::scalar) : isa;
}

std::atomic<int>& cap() {
  static std::atomic<int> value{cap_from_environment()};
  return value;
}

const void* best_kernel(const char* family) {
  const int most = cap().load(std::memory_order_relaxed);
  const void* best = nullptr;
  for (const KernelEntry& entry : kEntries) {  // ordered from the least to the most preferred ISA
    if (static_cast<int>(entry.isa) <= most && cpu_can_run(entry.isa) && std::strcmp(entry.family, family) == 0) {
      best = entry.kernel;
    }
  }
  return best;
}

// The choice is made once for each cap, not once a call.
struct Choice {
  std::atomic<const void*> kernel[kIsaCount] = {};
};

const void* choose(Choice& choice, const char* family) {
  std::atomic<const void*>& slot = choice.kernel[cap().load(std::memory_order_relaxed)];
  const void* kernel = slot.load(std::memory_order_acquire);
  if (kernel == nullptr) {
    kernel = best_kernel(family);
    slot.store(kernel, std::memory_order_release);
  }
  return kernel;
}

}  // namespace

const char* isa_name(Isa isa) { return kIsaNames[static_cast<int>(isa)]; }

bool isa_built(Isa isa) {
  for (const KernelEntry& entry : kEntries) {
    if (entry.isa == isa) return true;
  }
  return false;
}

bool isa_runnable(Isa isa) { return cpu_can_run(isa); }

Isa isa_cap() { return static_cast<Isa>(cap().load(std::memory_order_relaxed)); }

Status set_isa_cap(const std::string& name) {
  int isa = kNoCap;
  if (!name.empty()) {
    isa = parse_isa(name.c_str());
    if (isa < 0) {
      std::string known;
      for (const char* each : kIsaNames) known += (known.empty() ? "" : ", ") + std::string(each);
      return value_error("set_isa_cap: name: given '" + name + "', accepted " + known + ", or '' for no cap");
    }
  }
  cap().store(isa, std::memory_order_relaxed);
  return {};
}

Status environment_error() {
  const char* name = std::getenv("MOBILEKERNELS_ISA");
  if (name == nullptr || *name == '\0' || parse_isa(name) >= 0) return {};
  return value_error("environment: MOBILEKERNELS_ISA: given '" + std::string(name) +
                     "', which is no known ISA; the scalar kernels are used");
}

#define MOBILEKERNELS_SELECT(type, family)                     \
  const type& select_##family() {                              \
    static Choice choice;                                      \
    return *static_cast<const type*>(choose(choice, #family)); \
  }
MOBILEKERNELS_FOR_EACH_FAMILY(MOBILEKERNELS_SELECT)
#undef MOBILEKERNELS_SELECT

const KernelEntry* kernel_entries(size_t* count) {
  *count = sizeof(kEntries) / sizeof(kEntries[0]);
  return kEntries;
}

}  // namespace mobilekernels
