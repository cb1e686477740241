#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace runner {
namespace {

std::runtime_error system_error(const std::string& path) {
  return std::runtime_error(path + ": " + std::strerror(errno));
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw system_error(path);
  struct stat status{};
  const bool known = fstat(file, &status) == 0;
  if (known && status.st_size > 0) {
    bytes_ = static_cast<size_t>(status.st_size);
    data_ = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
  }
  const std::runtime_error error = system_error(path);
  close(file);
  if (!known || data_ == MAP_FAILED) throw error;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace runner
