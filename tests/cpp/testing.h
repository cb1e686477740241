// A test harness in one header, so that the same programs run natively and under an emulator with nothing to install.
//
//   TEST(name) { EXPECT_EQ(given, expected); }
//
// Each program is one source file, so main() is here. It prints "N passed, N failed on scalar, avx2" and the first
// failures of each test. Random numbers are the same on every machine. Buffers end where a page without access begins:
// a read or a write past the end kills the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "runtime/context.h"
#include "runtime/dispatch.h"
#include "runtime/status.h"

namespace testing {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline int& failures() {  // of the test that runs
  static int count = 0;
  return count;
}

inline void fail(const char* file, int line, const std::string& what) {
  constexpr int kShown = 5;
  if (++failures() <= kShown) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

template <typename T>
std::string show(const T& value) {
  std::ostringstream text;
  if constexpr (std::is_same_v<T, int8_t>) {
    text << static_cast<int>(value);
  } else {
    text << value;
  }
  return text.str();
}

template <typename A, typename B>
bool expect_equal(const char* file, int line, const char* what, const A& given, const B& expected,
                  const std::string& where = "") {
  if (given == expected) return true;
  fail(file, line, std::string(what) + " is " + show(given) + ", not " + show(expected) + " " + where);
  return false;
}

// The fields of the failing case are named by `where`.
template <typename T>
void expect_same(const char* file, int line, const T* given, const T* expected, size_t n, const std::string& where) {
  for (size_t i = 0; i < n; ++i) {
    if (std::memcmp(&given[i], &expected[i], sizeof(T)) != 0) {
      fail(file, line,
           "[" + std::to_string(i) + "] is " + show(given[i]) + ", not " + show(expected[i]) + ": " + where);
      return;
    }
  }
}

#define TEST(name)                                             \
  static void name();                                          \
  static ::testing::Registration register_##name(#name, name); \
  static void name()

#define EXPECT(condition)                                              \
  do {                                                                 \
    if (!(condition)) ::testing::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define EXPECT_EQ(given, expected) ::testing::expect_equal(__FILE__, __LINE__, #given, given, expected)
#define EXPECT_SAME(given, expected, n, where) ::testing::expect_same(__FILE__, __LINE__, given, expected, n, where)
#define EXPECT_OK(status) ::testing::expect_equal(__FILE__, __LINE__, #status, (status).message, "")
// The message begins with `prefix` ("op: argument: given") and says what is accepted.
#define EXPECT_ERROR(status, prefix) ::testing::expect_error(__FILE__, __LINE__, status, prefix)

inline void expect_error(const char* file, int line, const mobilekernels::Status& status, const std::string& prefix) {
  if (status.code != mobilekernels::StatusCode::value_error || status.message.compare(0, prefix.size(), prefix) != 0 ||
      status.message.find(", accepted ") == std::string::npos) {
    fail(file, line, "no value_error '" + prefix + "...' but '" + status.message + "'");
  }
}

// xorshift64*: the same numbers everywhere, which <random>'s distributions are not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t bits() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  // In [least, most].
  int64_t integer(int64_t least, int64_t most) {
    return least + static_cast<int64_t>((bits() >> 16) % static_cast<uint64_t>(most - least + 1));
  }
  // In [least, most), 24 random bits.
  float real(float least, float most) { return least + (most - least) * (static_cast<float>(bits() >> 40) * 0x1p-24f); }
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return *(values.begin() + integer(0, static_cast<int64_t>(values.size()) - 1));
  }

 private:
  uint64_t state_;
};

// `n` values that end at the end of a page; the page after it cannot be touched, and the bytes before are watched.
template <typename T>
class Buffer {
 public:
  explicit Buffer(size_t n) : n_(n) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (n * sizeof(T) + kWatched + page - 1) / page * page;
    void* memory = mmap(nullptr, size_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(static_cast<char*>(memory) + size_, page, PROT_NONE) != 0) {
      std::perror("guarded memory");
      std::exit(2);
    }
    memory_ = static_cast<unsigned char*>(memory);
    mapped_ = size_ + page;
    std::memset(memory_, kCanary, size_);
    data_ = reinterpret_cast<T*>(memory_ + size_ - n * sizeof(T));
  }
  ~Buffer() { munmap(memory_, mapped_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return data_; }
  size_t size() const { return n_; }
  T& operator[](size_t i) { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + n_; }
  // Back to the canary, so that what is not written shows.
  void clear() { std::memset(static_cast<void*>(data_), kCanary, n_ * sizeof(T)); }
  bool untouched_before() const {
    const auto* end = reinterpret_cast<const unsigned char*>(data_);
    for (size_t i = 1; i <= kWatched; ++i) {
      if (*(end - i) != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kWatched = 128;
  static constexpr unsigned char kCanary = 0xa5;
  size_t n_;
  size_t size_;
  size_t mapped_;
  unsigned char* memory_;
  T* data_;
};

inline void fill(Random& random, Buffer<int8_t>& buffer, int least = -128, int most = 127) {
  for (int8_t& value : buffer) value = static_cast<int8_t>(random.integer(least, most));
}

// An ISA whose kernels this CPU can run and that is wanted. $MOBILEKERNELS_TEST_ISA names the only one that is, for
// emulators, where each instruction counts; what the others give is tested natively.
inline bool is_tested(mobilekernels::Isa isa) {
  static const char* const wanted = std::getenv("MOBILEKERNELS_TEST_ISA");
  if (!mobilekernels::isa_built(isa) || !mobilekernels::isa_runnable(isa)) return false;
  return wanted == nullptr || *wanted == 0 || std::strcmp(wanted, mobilekernels::isa_name(isa)) == 0;
}

// The kernels of a family that are tested here, and their ISAs; the scalar one first.
template <typename Kernel>
struct Runnable {
  const char* isa;
  const Kernel* kernel;
};

template <typename Kernel>
std::vector<Runnable<Kernel>> runnable_kernels(const char* family) {
  std::vector<Runnable<Kernel>> found;
  size_t count = 0;
  const mobilekernels::KernelEntry* entries = mobilekernels::kernel_entries(&count);
  for (size_t i = 0; i < count; ++i) {
    if (std::strcmp(entries[i].family, family) != 0 || !is_tested(entries[i].isa)) continue;
    found.push_back({mobilekernels::isa_name(entries[i].isa), static_cast<const Kernel*>(entries[i].kernel)});
  }
  return found;
}

// body(isa) with the dispatcher capped at each ISA that is tested here.
inline void for_each_isa(const std::function<void(const std::string& isa)>& body) {
  for (int i = 0; i < mobilekernels::kIsaCount; ++i) {
    const auto isa = static_cast<mobilekernels::Isa>(i);
    if (!is_tested(isa)) continue;
    const std::string name = mobilekernels::isa_name(isa);
    EXPECT_OK(mobilekernels::set_isa_cap(name));
    body(name);
  }
  EXPECT_OK(mobilekernels::set_isa_cap(""));
}

// Their names, so that a run on an emulated CPU shows what it covered.
inline std::string tested_isas() {
  std::string names;
  for_each_isa([&](const std::string& isa) { names += (names.empty() ? "" : ", ") + isa; });
  return names;
}

inline void run_on_threads(void*, int tasks, void (*task)(void* arg, int i), void* arg) {
  std::vector<std::thread> threads;
  for (int i = 1; i < tasks; ++i) threads.emplace_back(task, arg, i);
  task(arg, 0);
  for (std::thread& thread : threads) thread.join();
}

// A context of real threads, with its workspace between two canaries.
class Threads {
 public:
  explicit Threads(int threads, size_t workspace_bytes = 0) : memory_(workspace_bytes / 64 * 64 + 64) {
    context_.threads = threads;
    context_.run_tasks = run_on_threads;
    // The workspace ends at the end of the page, and is a multiple of 64 long: so it is aligned to 64.
    context_.workspace = memory_.data() + (memory_.size() - (workspace_bytes + 63) / 64 * 64);
    context_.workspace_bytes = workspace_bytes;
  }
  const mobilekernels::Context& context() const { return context_; }
  bool workspace_kept() const { return memory_.untouched_before(); }

 private:
  Buffer<int8_t> memory_;
  mobilekernels::Context context_;
};

}  // namespace testing

int main() {
  const std::string isas = ::testing::tested_isas();
  if (isas.empty()) {
    std::printf("MOBILEKERNELS_TEST_ISA: given '%s', accepted: an ISA that runs here\n",
                std::getenv("MOBILEKERNELS_TEST_ISA"));
    return 1;
  }
  int passed = 0, failed = 0;
  for (const ::testing::Test& test : ::testing::tests()) {
    ::testing::failures() = 0;
    test.run();
    if (::testing::failures() == 0) {
      ++passed;
    } else {
      ++failed;
      std::printf("%s: %d checks failed\n", test.name, ::testing::failures());
    }
  }
  std::printf("%d passed, %d failed on %s\n", passed, failed, isas.c_str());
  return failed == 0 && passed > 0 ? 0 : 1;
}
