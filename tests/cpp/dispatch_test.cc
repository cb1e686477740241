// Which kernel runs, and how the cap on the ISA changes it.
#include "runtime/dispatch.h"

#include "runtime/cpu.h"
#include "testing.h"

namespace {

using namespace mobilekernels;

TEST(scalar_is_always_there) {
  EXPECT(isa_built(Isa::scalar));
  EXPECT(isa_runnable(Isa::scalar));
  EXPECT_OK(set_isa_cap("scalar"));
  size_t count = 0;
  const KernelEntry* entries = kernel_entries(&count);
  const auto kernel_of = [&](const char* family) -> const void* {
    for (size_t i = 0; i < count; ++i) {
      if (entries[i].isa == Isa::scalar && std::strcmp(entries[i].family, family) == 0) return entries[i].kernel;
    }
    return nullptr;
  };
#define CHECK_SCALAR(type, family) EXPECT(&select_##family() == kernel_of(#family));
  MOBILEKERNELS_FOR_EACH_FAMILY(CHECK_SCALAR)
#undef CHECK_SCALAR
  EXPECT_OK(set_isa_cap(""));
}

TEST(the_best_runnable_kernel_is_chosen) {
  testing::for_each_isa([](const std::string& cap) {
    const void* best = nullptr;
    size_t count = 0;
    const KernelEntry* entries = kernel_entries(&count);
    for (size_t i = 0; i < count; ++i) {
      if (std::strcmp(entries[i].family, "gemm") == 0 && isa_runnable(entries[i].isa) && entries[i].isa <= isa_cap()) {
        best = entries[i].kernel;
      }
    }
    EXPECT(&select_gemm() == best);
    EXPECT_EQ(std::string(isa_name(isa_cap())), cap);
  });
}

TEST(an_unknown_name_changes_nothing) {
  EXPECT_OK(set_isa_cap("scalar"));
  EXPECT_ERROR(set_isa_cap("mmx"), "set_isa_cap: name: given 'mmx'");
  EXPECT_EQ(std::string(isa_name(isa_cap())), std::string("scalar"));
  EXPECT_OK(set_isa_cap(""));
}

TEST(a_cap_above_the_cpu_runs_what_the_cpu_can) {
  for (int i = 0; i < kIsaCount; ++i) {
    EXPECT_OK(set_isa_cap(isa_name(static_cast<Isa>(i))));
    bool found = false;
    size_t count = 0;
    const KernelEntry* entries = kernel_entries(&count);
    for (size_t k = 0; k < count; ++k) found |= entries[k].kernel == &select_gemm() && isa_runnable(entries[k].isa);
    EXPECT(found);
  }
  EXPECT_OK(set_isa_cap(""));
}

}  // namespace
