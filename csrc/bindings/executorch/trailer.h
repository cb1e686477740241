// The last bytes of a .pte file of mobilekernels.export (mobilekernels/export/trailer.py writes them): ExecuTorch
// trusts the offsets in a file, and ignores what comes behind the program. Little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/status.h"

namespace mobilekernels::executorch_face {

struct Trailer {
  char magic[8];           // "mkernels"
  uint64_t program_bytes;  // in front of it
  uint32_t version;        // 1
  uint32_t crc32;          // of them, as zlib counts it
};
static_assert(sizeof(Trailer) == 24, "the trailer is part of the file format");

// A format_error says what is wrong with the file.
Status check_trailer(const void* data, size_t bytes);

}  // namespace mobilekernels::executorch_face
