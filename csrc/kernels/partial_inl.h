// Fewer than 16 bytes in and out of 16 byte vectors, for ISAs without masked loads: nothing before p[0] or from
// p[n] on is touched. Made of overlapping fixed-size moves, since channel tails of 8 and 12 are common.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mobilekernels::partial {

template <typename T>
[[gnu::always_inline]] static inline T load_as(const int8_t* p) {
  T value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}

template <typename T>
[[gnu::always_inline]] static inline void store_as(int8_t* p, T value) {
  __builtin_memcpy(p, &value, sizeof value);
}

// p[0 .. n) in the low bytes (little-endian), the rest 0; 0 <= n <= 8.
[[gnu::always_inline]] static inline uint64_t load_up_to_8(const int8_t* p, size_t n) {
  if (n == 8) return load_as<uint64_t>(p);
  if (n >= 4) {
    const uint64_t last = load_as<uint32_t>(p + n - 4);
    return load_as<uint32_t>(p) | last << (8 * (n - 4));
  }
  uint64_t value = 0;
  for (size_t i = 0; i < n; ++i) value |= uint64_t{static_cast<uint8_t>(p[i])} << (8 * i);
  return value;
}

[[gnu::always_inline]] static inline void store_up_to_8(int8_t* p, size_t n, uint64_t value) {
  if (n == 8) {
    store_as(p, value);
  } else if (n >= 4) {
    store_as(p, static_cast<uint32_t>(value));
    store_as(p + n - 4, static_cast<uint32_t>(value >> (8 * (n - 4))));
  } else {
    for (size_t i = 0; i < n; ++i) p[i] = static_cast<int8_t>(value >> (8 * i));
  }
}

struct Bytes16 {
  uint64_t lo, hi;
};

// 1 <= n <= 15.
[[gnu::always_inline]] static inline Bytes16 load(const int8_t* p, size_t n) {
  if (n <= 8) return {load_up_to_8(p, n), 0};
  return {load_as<uint64_t>(p), load_up_to_8(p + 8, n - 8)};
}

[[gnu::always_inline]] static inline void store(int8_t* p, size_t n, Bytes16 bytes) {
  if (n <= 8) return store_up_to_8(p, n, bytes.lo);
  store_as(p, bytes.lo);
  store_up_to_8(p + 8, n - 8, bytes.hi);
}

}  // namespace mobilekernels::partial
