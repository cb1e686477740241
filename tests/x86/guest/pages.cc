#include "pages.h"

#include "machine.h"

extern "C" uint64_t page_table[512];  // the first of four levels (entry.S)

namespace guest {
namespace {

// Bits of an entry (Intel SDM vol. 3, 4.5); those from 9 on are software's.
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kMapped = 1 << 9, kMayRead = 1 << 10, kMayWrite = 1 << 11;
constexpr uint64_t kFrame = 0x000ffffffffff000u;

uint64_t g_next = 0, g_end = 0;  // frames never used
uint64_t g_free = 0;             // frames that were given back: each holds the address of the next

uint64_t new_frame() {
  uint64_t frame = g_free;
  if (frame != 0) {
    g_free = *reinterpret_cast<uint64_t*>(seen(frame));
  } else {
    if (g_next + kPage > g_end) give_up("out of memory at", g_next);
    frame = g_next;
    g_next += kPage;
  }
  __builtin_memset(seen(frame), 0, kPage);
  return frame;
}

// The entry of the page, or null where the levels above it are missing and not to be made.
uint64_t* entry_of(uint64_t address, bool make) {
  uint64_t* table = page_table;
  for (int shift = 39; shift > 12; shift -= 9) {
    uint64_t& entry = table[address >> shift & 511];
    if ((entry & kPresent) == 0) {
      if (!make) return nullptr;
      entry = new_frame() | kPresent | kWritable | kUser;
    }
    table = reinterpret_cast<uint64_t*>(seen(entry & kFrame));
  }
  return &table[address >> 12 & 511];
}

uint64_t with_access(uint64_t entry, unsigned access) {
  uint64_t next = (entry & kFrame) | kUser | kMapped;
  if ((access & (kRead | kWrite)) != 0) next |= kMayRead | ((entry & kFrame) != 0 ? kPresent : 0);
  if ((access & kWrite) != 0) next |= kMayWrite | kWritable;
  return next;
}

void forget(uint64_t address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }

}  // namespace

void give_memory(uint64_t begin, uint64_t end) {
  g_next = round_up_to_page(begin);
  g_end = end;
}

void map(uint64_t address, uint64_t bytes, unsigned access) {
  unmap(address, bytes);
  for (uint64_t end = address + bytes; address < end; address += kPage) {
    *entry_of(address, true) = with_access(0, access);
  }
}

void unmap(uint64_t address, uint64_t bytes) {
  for (uint64_t end = address + bytes; address < end; address += kPage) {
    uint64_t* entry = entry_of(address, false);
    if (entry == nullptr || *entry == 0) continue;
    if (const uint64_t frame = *entry & kFrame; frame != 0) {
      *reinterpret_cast<uint64_t*>(seen(frame)) = g_free;
      g_free = frame;
    }
    *entry = 0;
    forget(address);
  }
}

bool protect(uint64_t address, uint64_t bytes, unsigned access) {
  for (uint64_t end = address + bytes; address < end; address += kPage) {
    uint64_t* entry = entry_of(address, false);
    if (entry == nullptr || *entry == 0) return false;
    *entry = with_access(*entry, access);
    forget(address);
  }
  return true;
}

bool touch(uint64_t address, bool write) {
  uint64_t* entry = entry_of(address, false);
  if (entry == nullptr || (*entry & kMayRead) == 0 || (write && (*entry & kMayWrite) == 0)) return false;
  if ((*entry & kFrame) == 0) *entry |= new_frame() | kPresent;
  return true;
}

}  // namespace guest
