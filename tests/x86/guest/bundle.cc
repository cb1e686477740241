#include "bundle.h"

#include "pages.h"

namespace guest {

const Bundle& bundle() { return *reinterpret_cast<const Bundle*>(seen(kBundle)); }
bool bundle_is_whole() { return *reinterpret_cast<const uint64_t*>(seen(kBundle + bundle().bundle_bytes - 8)) == kEnd; }
const char* first_string() { return reinterpret_cast<const char*>(&bundle() + 1); }

const char* next_string(const char* text) {
  while (*text != 0) ++text;
  return text + 1;
}

namespace {

const char* string(uint64_t index) {
  const char* text = first_string();
  for (; index > 0; --index) text = next_string(text);
  return text;
}

const uint8_t* aligned(const void* at) {
  return reinterpret_cast<const uint8_t*>((reinterpret_cast<uint64_t>(at) + 7) / 8 * 8);
}

bool same(const char* a, const char* b) {
  for (; *a != 0 && *a == *b; ++a, ++b) {
  }
  return *a == *b;
}

}  // namespace

const uint8_t* program() {
  const Bundle& b = bundle();
  return aligned(string(b.arguments + b.variables + b.files));
}

const File* find_file(const char* name) {
  static File file;
  const Bundle& b = bundle();
  file = {string(b.arguments + b.variables), aligned(program() + b.program_bytes), 0};
  for (uint64_t i = 0; i < b.files; ++i) {
    file.bytes = b.file_bytes[i];
    if (same(file.name, name)) return &file;
    file.name = next_string(file.name);
    file.data = aligned(file.data + file.bytes);
  }
  return nullptr;
}

}  // namespace guest
