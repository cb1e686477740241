#include "segment/cache.h"

#include <utility>

#include "runtime/dispatch.h"

namespace mobilekernels::segment {

uint64_t SessionKey::hash() const {
  // FNV-1a over words (Fowler, Noll, Vo), the high bits mixed in.
  uint64_t h = 0xCBF29CE484222325ull ^ text->size();
  for (const int64_t number : numbers) {
    h = (h ^ static_cast<uint64_t>(number)) * 0x100000001B3ull;
    h ^= h >> 32;
  }
  return h;
}

SessionKey key_of(const std::string& text, const std::vector<Operand>& operands, int threads) {
  SessionKey key{&text, {}};
  key.numbers.reserve(2 + 5 * operands.size());
  key.numbers.push_back(threads);
  key.numbers.push_back(static_cast<int64_t>(isa_cap()));  // what a kernel can do is part of a plan
  for (const Operand& operand : operands) {
    key.numbers.push_back(static_cast<int64_t>(operand.info.dtype) * 16 + operand.info.dims * 2 +
                          (operand.strides != nullptr));
    key.numbers.insert(key.numbers.end(), operand.info.sizes, operand.info.sizes + operand.info.dims);
  }
  return key;
}

SessionCache::Entries::iterator SessionCache::find_entry(const SessionKey& key, uint64_t hash) {
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = *it->second;
    if (entry.numbers == key.numbers && entry.session->text == *key.text) return it->second;
  }
  return order_.end();
}

std::shared_ptr<const Session> SessionCache::find(const SessionKey& key) {
  const uint64_t hash = key.hash();
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = find_entry(key, hash);
  if (found == order_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found);
  return found->session;
}

void SessionCache::insert(const SessionKey& key, std::shared_ptr<const Session> session) {
  const uint64_t hash = key.hash();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (find_entry(key, hash) != order_.end()) return;
  order_.push_front({hash, key.numbers, std::move(session)});
  by_hash_.emplace(hash, order_.begin());
  if (order_.size() <= kMost) return;
  const auto last = std::prev(order_.end());
  const auto [begin, end] = by_hash_.equal_range(last->hash);
  for (auto it = begin; it != end; ++it) {
    if (it->second != last) continue;
    by_hash_.erase(it);
    break;
  }
  order_.pop_back();
}

}  // namespace mobilekernels::segment
