#include "bindings/executorch/trailer.h"

#include <array>
#include <cstring>

namespace mobilekernels::executorch_face {
namespace {

constexpr char kMagic[9] = "mkernels";
constexpr uint32_t kVersion = 1;

// Eight tables, so that eight bytes take one step (Kounavis and Berry, "A Systematic Approach to Building High
// Performance Software-based CRC Generators", 2005, "slicing-by-8"): loading a file should not wait for its checksum.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  constexpr uint32_t kPolynomial = 0xEDB88320;  // zlib's, reflected
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kPolynomial : crc >> 1;
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t t = 1; t < 8; ++t) tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t crc32(const void* data, size_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint32_t crc = ~uint32_t{0};
  for (; bytes >= 8; bytes -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (size_t t = 0; t < 8; ++t) crc ^= kTables[7 - t][word >> 8 * t & 0xff];
  }
  for (; bytes > 0; --bytes, ++p) crc = crc >> 8 ^ kTables[0][(crc ^ *p) & 0xff];
  return ~crc;
}

Status field_error(const char* field, const std::string& given, const std::string& accepted) {
  return format_error(std::string("file: ") + field + ": given " + given + ", accepted " + accepted);
}

}  // namespace

Status check_trailer(const void* data, size_t bytes) {
  Trailer trailer{};
  if (bytes < sizeof(trailer)) {
    return field_error("size", std::to_string(bytes) + " bytes", "at least " + std::to_string(sizeof(trailer)));
  }
  const size_t program_bytes = bytes - sizeof(trailer);
  std::memcpy(&trailer, static_cast<const char*>(data) + program_bytes, sizeof(trailer));
  if (std::memcmp(trailer.magic, kMagic, sizeof(trailer.magic)) != 0) {
    return field_error("magic", "other bytes", "'mkernels' (it is cut off, or not of mobilekernels.export)");
  }
  if (trailer.version != kVersion) {
    return field_error("version", std::to_string(trailer.version), std::to_string(kVersion));
  }
  if (trailer.program_bytes != program_bytes) {
    return field_error("size", std::to_string(program_bytes) + " bytes of program",
                       std::to_string(trailer.program_bytes) + " (it is cut off or padded)");
  }
  if (crc32(data, program_bytes) != trailer.crc32) {
    return field_error("checksum", "a sum that does not match the program", "an unchanged file");
  }
  return {};
}

}  // namespace mobilekernels::executorch_face
