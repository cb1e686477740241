// The layer list: one operator a line, `name: op key=value ...`, '#' begins a comment.
//
//   features.1: conv2d in=24 out=144 kernel=1x1 stride=1x1 pad=0x0 dilation=1x1 groups=1 image=56x56
//   classifier: linear rows=1 in=1280 out=1000
//
// cases.cc says which keys each operator has.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace bench {

struct Layer {
  std::string where;  // "file:line", for messages
  std::string name;
  std::string op;
  std::map<std::string, std::string> values;
};

std::vector<Layer> read_layer_list(const std::string& path);

using Sizes = std::vector<int64_t>;

// The values of a layer, by key. Without `fallback` a key must be there. Errors name the line and the key.
class Keys {
 public:
  explicit Keys(const Layer& layer) : layer_(layer) {}
  int64_t integer(const std::string& key);  // from 1 on
  int64_t integer(const std::string& key, int64_t fallback, int64_t least = 1);
  // HxW.
  Sizes pair(const std::string& key);
  Sizes pair(const std::string& key, const Sizes& fallback);
  // HxW, or top x bottom x left x right; four sizes come back.
  Sizes padding(const std::string& key);
  // One to `most` sizes with x between.
  Sizes shape(const std::string& key, size_t most = 6);
  // Refuses what was not asked for: a misspelt key must not be ignored.
  void finish() const;

 private:
  const std::string* find(const std::string& key);
  const std::string& get(const std::string& key);
  Sizes sizes(const std::string& key, const std::string& text, int64_t least, const std::set<size_t>& counts,
              const std::string& accepted) const;

  const Layer& layer_;
  std::set<std::string> asked_;
};

}  // namespace bench
