// The ISA that dispatch chooses for each kernel family here: "<family> <isa>" a line.
#include <cstdio>

#include "runtime/dispatch.h"

using mobilekernels::isa_name;

int main() {
  size_t count = 0;
  const mobilekernels::KernelEntry* entries = mobilekernels::kernel_entries(&count);
#define PRINT_CHOICE(type, family)                                \
  for (size_t i = 0; i < count; ++i) {                            \
    if (entries[i].kernel == &mobilekernels::select_##family()) { \
      std::printf("%s %s\n", #family, isa_name(entries[i].isa));  \
    }                                                             \
  }
  MOBILEKERNELS_FOR_EACH_FAMILY(PRINT_CHOICE)
#undef PRINT_CHOICE
  return 0;
}
