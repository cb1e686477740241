#include "layer_list.h"

#include <fstream>
#include <sstream>

#include "error.h"

namespace bench {
namespace {

// A size that no product of a few of them takes out of int64 unnoticed; operators check the rest.
constexpr int64_t kMost = int64_t{1} << 24;

bool parse_integer(const std::string& text, int64_t* value) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return false;
  *value = std::stoll(text);
  return true;
}

Layer parse_line(const std::string& where, const std::string& text) {
  const size_t colon = text.find(": ");
  if (colon == std::string::npos || colon == 0) {
    throw bad_value(where, text, "a line such as 'name: linear rows=1 in=1280 out=1000'");
  }
  Layer layer{where, text.substr(0, colon), "", {}};
  std::istringstream words(text.substr(colon + 2));
  words >> layer.op;
  for (std::string word; words >> word;) {
    const size_t equal = word.find('=');
    if (equal == std::string::npos) throw bad_value(where, word, "key=value");
    if (!layer.values.emplace(word.substr(0, equal), word.substr(equal + 1)).second) {
      throw bad_value(where, word, "each key once");
    }
  }
  return layer;
}

}  // namespace

std::vector<Layer> read_layer_list(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw UsageError(path + ": the layer list cannot be read");
  std::vector<Layer> layers;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line = line.substr(0, line.find('#'));
    const size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    if (first == std::string::npos) continue;
    layers.push_back(parse_line(path + ":" + std::to_string(number), line.substr(first, last - first + 1)));
  }
  if (layers.empty()) throw UsageError(path + ": no layer in it");
  return layers;
}

const std::string* Keys::find(const std::string& key) {
  asked_.insert(key);
  const auto found = layer_.values.find(key);
  return found == layer_.values.end() ? nullptr : &found->second;
}

const std::string& Keys::get(const std::string& key) {
  const std::string* text = find(key);
  if (text == nullptr) throw UsageError(layer_.where + ": " + layer_.op + ": key '" + key + "' is missing");
  return *text;
}

Sizes Keys::sizes(const std::string& key, const std::string& text, int64_t least, const std::set<size_t>& counts,
                  const std::string& accepted) const {
  Sizes found;
  std::istringstream parts(text);
  bool good = !text.empty() && text.back() != 'x';
  for (std::string part; good && std::getline(parts, part, 'x');) {
    int64_t value = 0;
    good = parse_integer(part, &value) && value >= least && value <= kMost;
    found.push_back(value);
  }
  if (!good || counts.count(found.size()) == 0) {
    throw bad_value(layer_.where + ": " + layer_.op + ": " + key, text, accepted);
  }
  return found;
}

int64_t Keys::integer(const std::string& key) { return sizes(key, get(key), 1, {1}, "an integer in [1, 2^24]")[0]; }

int64_t Keys::integer(const std::string& key, int64_t fallback, int64_t least) {
  const std::string* text = find(key);
  if (text == nullptr) return fallback;
  return sizes(key, *text, least, {1}, "an integer in [" + std::to_string(least) + ", 2^24]")[0];
}

Sizes Keys::pair(const std::string& key) { return sizes(key, get(key), 1, {2}, "HxW, such as 3x3"); }

Sizes Keys::pair(const std::string& key, const Sizes& fallback) { return find(key) == nullptr ? fallback : pair(key); }

Sizes Keys::padding(const std::string& key) {
  const std::string* text = find(key);
  if (text == nullptr) return {0, 0, 0, 0};
  const Sizes found = sizes(key, *text, 0, {2, 4}, "HxW or TOPxBOTTOMxLEFTxRIGHT, such as 1x1");
  return found.size() == 4 ? found : Sizes{found[0], found[0], found[1], found[1]};
}

Sizes Keys::shape(const std::string& key, size_t most) {
  std::set<size_t> counts;
  for (size_t n = 1; n <= most; ++n) counts.insert(n);
  return sizes(key, get(key), 1, counts, "1 to " + std::to_string(most) + " sizes with x between, such as 1x56x56x24");
}

void Keys::finish() const {
  for (const auto& [key, value] : layer_.values) {
    if (asked_.count(key) != 0) continue;
    std::string known;
    for (const std::string& each : asked_) known += (known.empty() ? "" : ", ") + each;
    throw UsageError(layer_.where + ": " + layer_.op + ": key '" + key + "' is not one of its keys: " + known);
  }
}

}  // namespace bench
