// The latest sessions of the process, found by what they were made for.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "segment/run.h"

namespace mobilekernels::segment {

// What a session depends on. The text is kilobytes long: it is compared, once, and not hashed.
struct SessionKey {
  const std::string* text;
  std::vector<int64_t> numbers;  // threads, kernels, shapes

  uint64_t hash() const;
};

SessionKey key_of(const std::string& text, const std::vector<Operand>& operands, int threads);

// Safe from any thread.
class SessionCache {
 public:
  std::shared_ptr<const Session> find(const SessionKey& key);
  // The least recently used goes.
  void insert(const SessionKey& key, std::shared_ptr<const Session> session);

 private:
  struct Entry {
    uint64_t hash;
    std::vector<int64_t> numbers;
    std::shared_ptr<const Session> session;  // has the text
  };
  using Entries = std::list<Entry>;
  static constexpr size_t kMost = 256;

  Entries::iterator find_entry(const SessionKey& key, uint64_t hash);

  std::mutex mutex_;
  Entries order_;  // the latest first
  std::unordered_multimap<uint64_t, Entries::iterator> by_hash_;
};

}  // namespace mobilekernels::segment
