#include "system_calls.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>

#include "bundle.h"
#include "pages.h"
#include "steps.h"
#include "threads.h"

namespace guest {
namespace {

uint64_t g_break = 0;
uint64_t g_next_map = 0x7e0000000000;

void set_break_to(uint64_t address) {
  if (address <= g_break) return;
  const uint64_t begin = round_up_to_page(g_break), end = round_up_to_page(address);
  if (end > begin) map(begin, end - begin, kRead | kWrite);
  g_break = address;
}

int64_t do_mmap(uint64_t address, uint64_t bytes, unsigned access, unsigned flags) {
  constexpr unsigned kFixed = 0x10, kAnonymous = 0x20;
  if ((flags & kAnonymous) == 0) return -ENODEV;
  bytes = round_up_to_page(bytes);
  if (bytes == 0 || bytes > 1ull << 40) return -ENOMEM;
  if ((flags & kFixed) == 0) {
    address = g_next_map;
    g_next_map += bytes + kPage;  // a gap, so that what runs past an end is seen
  }
  map(address, bytes, access);
  return static_cast<int64_t>(address);
}

// Open files: descriptor 3 + index.
struct Open {
  const uint8_t* data;
  uint64_t bytes, at;
};
Open g_open[8];
Open* open_file(uint64_t descriptor) {
  const uint64_t i = descriptor - 3;
  return i < 8 && g_open[i].data != nullptr ? &g_open[i] : nullptr;
}

int64_t do_open(const char* name) {
  const File* file = find_file(name);
  if (file == nullptr) return -ENOENT;
  for (int i = 0; i < 8; ++i) {
    if (g_open[i].data != nullptr) continue;
    g_open[i] = {file->data, file->bytes, 0};
    return i + 3;
  }
  return -EMFILE;
}

int64_t do_read(uint64_t descriptor, void* to, uint64_t n) {
  Open* file = open_file(descriptor);
  if (file == nullptr) return -EBADF;
  if (n > file->bytes - file->at) n = file->bytes - file->at;
  __builtin_memcpy(to, file->data + file->at, n);
  file->at += n;
  return static_cast<int64_t>(n);
}

int64_t do_seek(uint64_t descriptor, int64_t offset, uint64_t whence) {
  Open* file = open_file(descriptor);
  if (file == nullptr) return -ESPIPE;
  const uint64_t from[] = {0, file->at, file->bytes};
  if (whence > 2 || from[whence] + static_cast<uint64_t>(offset) > file->bytes) return -EINVAL;
  file->at = from[whence] + static_cast<uint64_t>(offset);
  return static_cast<int64_t>(file->at);
}

// struct stat: mode at byte 24, size at 48, block size at 56.
int64_t do_stat(uint64_t descriptor, uint8_t* stat) {
  constexpr uint32_t kPipe = 0010600, kRegular = 0100400;
  const Open* file = open_file(descriptor);
  if (file == nullptr && descriptor > 2) return -EBADF;
  __builtin_memset(stat, 0, 144);
  *reinterpret_cast<uint32_t*>(stat + 24) = file == nullptr ? kPipe : kRegular;
  *reinterpret_cast<uint64_t*>(stat + 48) = file == nullptr ? 0 : file->bytes;
  *reinterpret_cast<uint64_t*>(stat + 56) = kPage;
  return 0;
}

struct Part {
  const char* data;
  uint64_t bytes;
};

int64_t do_write(uint64_t descriptor, const Part* parts, uint64_t count) {
  if (descriptor != 1 && descriptor != 2) return -EBADF;
  int64_t written = 0;
  for (uint64_t i = 0; i < count; ++i) {
    print(parts[i].data, parts[i].bytes);
    written += static_cast<int64_t>(parts[i].bytes);
  }
  return written;
}

void do_futex(Registers* r) {
  const auto* word = reinterpret_cast<const uint32_t*>(r->rdi);
  const uint64_t operation = r->rsi & FUTEX_CMD_MASK;
  if (operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET) {
    r->rax = static_cast<uint64_t>(wake(word, static_cast<int64_t>(r->rdx)));
  } else if (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET) {
    give_up("no such futex operation:", operation);
  } else if (*word != static_cast<uint32_t>(r->rdx)) {
    r->rax = static_cast<uint64_t>(-EAGAIN);
  } else {
    r->rax = 0;
    wait_for(r, word);
  }
}

int64_t do_clone(const Registers& r) {
  const uint64_t flags = r.rdi;
  if ((flags & CLONE_THREAD) == 0) return -ENOSYS;
  const int64_t thread =
      start_thread(r, r.rsi, r.r8, (flags & CLONE_CHILD_CLEARTID) != 0 ? reinterpret_cast<uint32_t*>(r.r10) : nullptr);
  if (thread > 0 && (flags & CLONE_PARENT_SETTID) != 0) {
    *reinterpret_cast<uint32_t*>(r.rdx) = static_cast<uint32_t>(thread);
  }
  return thread;
}

int64_t do_clock(uint64_t* seconds_and_nanoseconds) {
  constexpr uint64_t kTicks = 1000000000;  // a second, of a clock that nothing measures
  const uint64_t now = read_clock();
  seconds_and_nanoseconds[0] = now / kTicks;
  seconds_and_nanoseconds[1] = now % kTicks;
  return 0;
}

// Any bytes do.
int64_t do_random(uint8_t* to, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) to[i] = static_cast<uint8_t>(i * 37 + 11);
  return static_cast<int64_t>(n);
}

int64_t do_limits(uint64_t* soft_and_hard) {
  if (soft_and_hard != nullptr) soft_and_hard[0] = soft_and_hard[1] = 8u << 20;
  return 0;
}

int64_t result_of(const Registers& r) {
  switch (r.rax) {
    case __NR_read:
      return do_read(r.rdi, reinterpret_cast<void*>(r.rsi), r.rdx);
    case __NR_write: {
      const Part part{reinterpret_cast<const char*>(r.rsi), r.rdx};
      return do_write(r.rdi, &part, 1);
    }
    case __NR_writev:
      return do_write(r.rdi, reinterpret_cast<const Part*>(r.rsi), r.rdx);
    case __NR_open:
      return do_open(reinterpret_cast<const char*>(r.rdi));
    case __NR_openat:
      return do_open(reinterpret_cast<const char*>(r.rsi));
    case __NR_close:
      if (Open* file = open_file(r.rdi)) file->data = nullptr;
      return 0;
    case __NR_lseek:
      return do_seek(r.rdi, static_cast<int64_t>(r.rsi), r.rdx);
    case __NR_fstat:
      return do_stat(r.rdi, reinterpret_cast<uint8_t*>(r.rsi));
    case __NR_newfstatat:
      if (*reinterpret_cast<const char*>(r.rsi) != 0) return -ENOENT;
      return do_stat(r.rdi, reinterpret_cast<uint8_t*>(r.rdx));
    case __NR_mmap:
      return do_mmap(r.rdi, r.rsi, static_cast<unsigned>(r.rdx), static_cast<unsigned>(r.r10));
    case __NR_munmap:
      unmap(r.rdi, round_up_to_page(r.rsi));
      return 0;
    case __NR_mprotect:
      return protect(r.rdi, round_up_to_page(r.rsi), static_cast<unsigned>(r.rdx)) ? 0 : -ENOMEM;
    case __NR_brk:
      set_break_to(r.rdi);
      return static_cast<int64_t>(g_break);
    case __NR_arch_prctl:
      if (r.rdi != ARCH_SET_FS) return -EINVAL;
      write_msr(kFsBase, r.rsi);
      return 0;
    case __NR_set_tid_address:
      clear_at_end(reinterpret_cast<uint32_t*>(r.rdi));
      return this_thread();
    case __NR_clone:
      return do_clone(r);
    case __NR_clock_gettime:
      return do_clock(reinterpret_cast<uint64_t*>(r.rsi));
    case __NR_getrandom:
      return do_random(reinterpret_cast<uint8_t*>(r.rdi), r.rsi);
    case __NR_prlimit64:
      return do_limits(reinterpret_cast<uint64_t*>(r.r10));
    case __NR_sched_getaffinity:
      *reinterpret_cast<uint64_t*>(r.rdx) = 1;  // one processor
      return 8;
    case __NR_gettid:
    case __NR_getpid:
      return this_thread();
    case __NR_tgkill:
      give_up("killed by signal", r.rdx);
    case __NR_madvise:
    case __NR_rt_sigprocmask:
    case __NR_rt_sigaction:
    case __NR_sched_setaffinity:
    case __NR_set_robust_list:
      return 0;  // nothing depends on what they would do
    case __NR_readlink:
    case __NR_readlinkat:
      return -ENOENT;
    case __NR_ioctl:
      return -ENOTTY;
    case __NR_rseq:
    case __NR_clone3:  // glibc takes clone then
    case __NR_mremap:  // and copies
    case __NR_uname:
    case __NR_getcpu:
      return -ENOSYS;
    default:
      give_up("no such system call:", r.rax);
  }
}

}  // namespace

void set_break(uint64_t address) { g_break = address; }

void do_system_call(Registers* registers) {
  switch (registers->rax) {
    case __NR_exit_group:
      power_off(static_cast<int64_t>(registers->rdi));
    case __NR_exit:
      return end_thread(registers);
    case __NR_futex:
      return do_futex(registers);
    case __NR_getpriority:
      if (registers->rdi == kMarker) begin_section(registers, registers->rsi);
      registers->rax = static_cast<uint64_t>(-EINVAL);
      return;
    case __NR_sched_yield:
    case __NR_nanosleep:
    case __NR_clock_nanosleep:
      registers->rax = 0;
      return yield(registers);
    default:
      registers->rax = static_cast<uint64_t>(result_of(*registers));
  }
}

}  // namespace guest
