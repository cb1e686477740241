// What the emulator puts into memory beside the kernel (machine.py writes it): the program, its arguments, its files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guest {

constexpr uint64_t kBundle = 16u << 20;  // physical address

// Behind the header, from its end on: `arguments` strings, `variables` strings (NAME=value), and for each file its
// name, all with a zero at their ends; then, each from the next multiple of 8 bytes on: the program, each file's
// contents, and kEnd.
struct Bundle {
  uint64_t memory_bytes;  // of the machine
  uint64_t bundle_bytes;
  uint64_t program_bytes;
  uint64_t arguments, variables, files;
  uint64_t file_bytes[4];
};

struct File {
  const char* name;
  const uint8_t* data;
  size_t bytes;
};

constexpr uint64_t kEnd = 0x21646e65646e6521;

const Bundle& bundle();
// kEnd is there: the emulator has put all of it where it belongs.
bool bundle_is_whole();
const char* first_string();
// Past the string's end.
const char* next_string(const char* text);
const uint8_t* program();
// Null where there is none of that name.
const File* find_file(const char* name);

}  // namespace guest
