#include "peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "json.h"
#include "memory.h"
#include "runtime/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bench {
namespace {

using mobilekernels::Isa;

// Chains of accumulators that do not wait for each other: more than latency times throughput on any core.
constexpr int kChains = 12;
constexpr int64_t kIterations = int64_t{1} << 17;
constexpr int kTries = 20;
constexpr size_t kMemoryBytes = size_t{256} << 20;

struct Candidate {
  Isa isa;
  const char* instruction;
  int macs;        // of one step of a chain
  void (*loop)();  // `kIterations` steps of `kChains` chains
};

// The instructions are written out: a compiler would see through the arithmetic and drop the loop. Each file of the
// kernels has flags of its own; here functions have them, and are called behind `cpu_can_run` alone.
#if defined(__x86_64__)

__attribute__((target("avx512f,avx512vnni"))) void loop_avx512vnni() {
  __m512i acc[kChains] = {};
  const __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2);
  for (int64_t i = 0; i < kIterations; ++i) {
    for (__m512i& sum : acc) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
}

__attribute__((target("avx2"))) void loop_avx2() {
  __m256i acc[kChains] = {};
  const __m256i a = _mm256_set1_epi16(1), b = _mm256_set1_epi16(2);
  for (int64_t i = 0; i < kIterations; ++i) {
    for (__m256i& sum : acc) {
      __m256i product;
      __asm__ volatile("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(a), "x"(b));
    }
  }
}

// Best first.
constexpr Candidate kCandidates[] = {
    {Isa::avx512vnni, "vpdpbusd on 512 bits", 64, loop_avx512vnni},
    {Isa::avx2, "vpmaddwd, vpaddd on 256 bits", 16, loop_avx2},
};

#elif defined(__aarch64__)

__attribute__((target("arch=armv8.2-a+dotprod"))) void loop_dotprod() {
  int32x4_t acc[kChains] = {};
  const int8x16_t a = vdupq_n_s8(1), b = vdupq_n_s8(2);
  for (int64_t i = 0; i < kIterations; ++i) {
    for (int32x4_t& sum : acc) __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b));
  }
}

void loop_neon() {
  int32x4_t acc[kChains] = {};
  const int16x8_t a = vdupq_n_s16(1), b = vdupq_n_s16(2);
  for (int64_t i = 0; i < kIterations; ++i) {
    for (int32x4_t& sum : acc) __asm__ volatile("smlal %0.4s, %1.4h, %2.4h" : "+w"(sum) : "w"(a), "w"(b));
  }
}

constexpr Candidate kCandidates[] = {
    {Isa::neon_dotprod, "sdot on 128 bits", 16, loop_dotprod},
    {Isa::neon, "smlal on 64 bits", 4, loop_neon},
};

#else

constexpr Candidate kCandidates[] = {{Isa::scalar, "", 0, [] {}}};

#endif

// Seconds of the quickest try: whatever disturbs only adds.
template <typename Function>
double quickest(int tries, const Function& function) {
  double best = 1e30;
  for (int i = 0; i < tries; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    function();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

double read_memory() {
  const Buffer buffer(kMemoryBytes);
  const auto* words = buffer.data<const uint64_t>();
  uint64_t sum = 0;
  const double seconds = quickest(5, [&] {
    uint64_t parts[8] = {};
    for (size_t i = 0; i < kMemoryBytes / sizeof(uint64_t); i += 8) {
      for (size_t j = 0; j < 8; ++j) parts[j] += words[i + j];
    }
    for (const uint64_t part : parts) sum += part;
    __asm__ volatile("" : : "r"(sum));
  });
  return static_cast<double>(kMemoryBytes) / seconds / 1e9;
}

}  // namespace

Peak measure_peak() {
  Peak peak;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.macs == 0 || !mobilekernels::cpu_can_run(candidate.isa)) continue;
    const double macs = static_cast<double>(kIterations) * kChains * candidate.macs;
    peak.instruction = candidate.instruction;
    peak.gmacs = macs / quickest(kTries, candidate.loop) / 1e9;
    break;
  }
  peak.memory_gbytes = read_memory();
  return peak;
}

std::string to_json(const Peak& peak) {
  Json json;
  json.begin('{');
  json.key("instruction").value(peak.instruction);
  json.key("gmacs").value(peak.gmacs);
  json.key("memory_gbytes").value(peak.memory_gbytes);
  json.end('}');
  return json.text() + "\n";
}

}  // namespace bench
