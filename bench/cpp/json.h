// Writes one JSON document into a string.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>

namespace bench {

class Json {
 public:
  Json& begin(char bracket) {  // '{' or '['
    comma();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  Json& end(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  Json& key(const std::string& name) {
    value(name);
    text_ += ':';
    first_ = true;
    return *this;
  }
  Json& value(const std::string& s) {
    comma();
    text_ += '"';
    for (const char c : s) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) text_ += c;
    }
    text_ += '"';
    return *this;
  }
  Json& value(const char* s) { return value(std::string(s)); }
  Json& value(bool b) {
    comma();
    text_ += b ? "true" : "false";
    return *this;
  }
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Json& value(T number) {
    comma();
    char digits[40];
    if constexpr (std::is_floating_point_v<T>) {
      std::snprintf(digits, sizeof digits, "%.10g", static_cast<double>(number));
    } else {
      std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
    }
    text_ += digits;
    return *this;
  }
  template <typename T>
  Json& entry(const std::string& name, const T& content) {
    return key(name).value(content);
  }
  template <typename Range>
  Json& list(const std::string& name, const Range& range) {
    key(name).begin('[');
    for (const auto& each : range) value(each);
    return end(']');
  }
  const std::string& text() const { return text_; }

 private:
  void comma() {
    if (!first_) text_ += ',';
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace bench
