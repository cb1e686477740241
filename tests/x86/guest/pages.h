// The program's memory: pages that get a frame when they are touched, and the faults where none may be.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guest {

constexpr uint64_t kPage = 4096;
constexpr uint64_t round_up_to_page(uint64_t n) { return (n + kPage - 1) / kPage * kPage; }

enum : unsigned { kNone = 0, kRead = 1, kWrite = 2 };  // access, as mmap's prot has it

// The frames that may be used: physical addresses.
void give_memory(uint64_t begin, uint64_t end);
// Of whole pages; what was there is dropped.
void map(uint64_t address, uint64_t bytes, unsigned access);
void unmap(uint64_t address, uint64_t bytes);
// False where a page of them is not mapped.
bool protect(uint64_t address, uint64_t bytes, unsigned access);
// A page fault at `address`: false where the access is not allowed.
bool touch(uint64_t address, bool write);
// Where the kernel sees a physical address.
inline uint8_t* seen(uint64_t physical) { return reinterpret_cast<uint8_t*>(0xffffffff80000000u + physical); }

}  // namespace guest
