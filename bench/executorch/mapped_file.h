// A file in memory as the kernel maps it: nothing is read before it is used, and weights are never copied.
#pragma once

#include <cstddef>
#include <string>

namespace runner {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);  // std::runtime_error names the path
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace runner
