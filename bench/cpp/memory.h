// Memory, its deterministic contents and its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace bench {

// Bytes aligned to 64, so that a layer's time does not depend on where malloc put it.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes) : bytes_(bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, bytes < 64 ? 64 : bytes) != 0) throw std::bad_alloc();
    std::memset(memory, 0, bytes);  // the pages are there before anything is timed
    memory_.reset(memory);
  }
  template <typename T = int8_t>
  T* data() const {
    return static_cast<T*>(memory_.get());
  }
  size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  size_t bytes_ = 0;
};

// xorshift64*: the same integers on every machine, which <random>'s distributions are not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  // In [least, most].
  int32_t integer(int32_t least, int32_t most) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const uint64_t bits = (state_ * 0x2545f4914f6cdd1du) >> 33;
    return least + static_cast<int32_t>(bits % static_cast<uint64_t>(most - least + 1));
  }

 private:
  uint64_t state_;
};

// FNV-1a, 64 bits.
inline uint64_t checksum(const Buffer& buffer) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto* bytes = buffer.data<const uint8_t>();
  for (size_t i = 0; i < buffer.bytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

}  // namespace bench
