// What tools/lse_trap.cc has to do, compiled for ARMv8.2 and run on an emulated core that has none of it. Argument
// "sdot": an instruction that the trap must not touch.
#include <arm_neon.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

int failures = 0;

void expect(bool good, const char* what) {
  if (!good) std::printf("FAILED: %s\n", what);
  failures += !good;
}

template <typename T>
void test_atomics(const char* type) {
  std::atomic<T> value{T(200)};
  expect(value.fetch_add(T(100)) == T(200) && value == T(300), type);  // wraps in 8 bits
  expect(value.fetch_sub(T(45)) == T(300) && value == T(255), type);
  expect(value.fetch_and(T(0x5a)) == T(255) && value == T(0x5a), type);
  expect(value.fetch_or(T(0x81)) == T(0x5a) && value == T(0xdb), type);
  expect(value.fetch_xor(T(0xff)) == T(0xdb) && value == T(0x24), type);
  expect(value.exchange(T(7)) == T(0x24) && value == T(7), type);
  T expected = T(8);
  expect(!value.compare_exchange_strong(expected, T(1)) && expected == T(7) && value == T(7), type);
  expect(value.compare_exchange_strong(expected, T(9)) && value == T(9), type);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "sdot") == 0) {
    const int32x4_t sums = vdotq_s32(vdupq_n_s32(0), vdupq_n_s8(static_cast<int8_t>(count)), vdupq_n_s8(2));
    return vgetq_lane_s32(sums, 0) == 16 ? 0 : 1;
  }
  test_atomics<std::uint8_t>("uint8_t");
  test_atomics<std::uint16_t>("uint16_t");
  test_atomics<std::uint32_t>("uint32_t");
  test_atomics<std::uint64_t>("uint64_t");
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
