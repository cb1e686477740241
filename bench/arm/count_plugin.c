// A TCG plugin for QEMU (user mode) that counts executed instructions exactly, by block and by section of the run.
//
//   qemu-aarch64 -plugin libcount_plugin.so,out=FILE PROGRAM
//
// The guest begins section `index` with the call getpriority(0x6d6b, index); the run begins in section 0. FILE gets
// lines `section pc instructions executions symbol`: a block of so many instructions at pc ran so often. Blocks are
// what QEMU translates in one go, so blocks may overlap and one pc may have several lines: instructions x executions
// add up. Symbols are those of the main executable, `-` elsewhere. The last line is `# vcpus N`: counters are not
// atomic, so counts are exact for N = 1.
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// From qemu-plugin.h of QEMU 7.2 (plugin API 1), which Debian does not package.
typedef uint64_t qemu_plugin_id_t;
typedef struct {
  const char* target_name;
  struct {
    int min;
    int cur;
  } version;
  bool system_emulation;
} qemu_info_t;  // its beginning: all that is read here
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*qemu_plugin_simple_cb)(qemu_plugin_id_t, unsigned vcpu);
typedef void (*qemu_plugin_exit_cb)(qemu_plugin_id_t, void* user);
typedef void (*qemu_plugin_translate_cb)(qemu_plugin_id_t, struct qemu_plugin_tb*);
typedef void (*qemu_plugin_syscall_cb)(qemu_plugin_id_t, unsigned vcpu, int64_t number, uint64_t, uint64_t, uint64_t,
                                       uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t, qemu_plugin_simple_cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, qemu_plugin_exit_cb, void* user);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, qemu_plugin_translate_cb);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, qemu_plugin_syscall_cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, enum qemu_plugin_op, void* counter, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t index);
const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn*);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

struct block {
  uint64_t executions;
  uint64_t pc;
  size_t instructions;
  char* symbol;
  struct block* next;
};

static const uint64_t kMarker = 0x6d6b;
static int64_t getpriority_number;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block* blocks;
static uint64_t section;
static unsigned vcpus;
static FILE* out;

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  const char* symbol = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0));
  struct block* b = calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->pc = qemu_plugin_tb_vaddr(tb);
  b->instructions = qemu_plugin_tb_n_insns(tb);
  b->symbol = strdup(symbol != NULL && *symbol != '\0' ? symbol : "-");
  pthread_mutex_lock(&lock);
  b->next = blocks;
  blocks = b;
  pthread_mutex_unlock(&lock);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->executions, 1);
}

static void end_section(void) {
  for (struct block* b = blocks; b != NULL; b = b->next) {
    if (b->executions == 0) continue;
    fprintf(out, "%" PRIu64 " %" PRIx64 " %zu %" PRIu64 " %s\n", section, b->pc, b->instructions, b->executions,
            b->symbol);
    b->executions = 0;
  }
}

static void system_call(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t which, uint64_t who, uint64_t a3,
                        uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)vcpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != getpriority_number || which != kMarker) return;
  pthread_mutex_lock(&lock);
  end_section();
  section = who;
  pthread_mutex_unlock(&lock);
}

static void start_vcpu(qemu_plugin_id_t id, unsigned vcpu) {
  (void)id, (void)vcpu;
  pthread_mutex_lock(&lock);
  ++vcpus;
  pthread_mutex_unlock(&lock);
}

static void finish(qemu_plugin_id_t id, void* user) {
  (void)id, (void)user;
  pthread_mutex_lock(&lock);
  end_section();
  fprintf(out, "# vcpus %u\n", vcpus);
  fclose(out);
  pthread_mutex_unlock(&lock);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  if (strcmp(info->target_name, "aarch64") == 0) {
    getpriority_number = 141;
  } else if (strcmp(info->target_name, "arm") == 0) {
    getpriority_number = 96;
  } else {
    fprintf(stderr, "count_plugin: target: given %s, accepted aarch64, arm\n", info->target_name);
    return 1;
  }
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
    fprintf(stderr, "count_plugin: accepted is one argument, out=FILE\n");
    return 1;
  }
  out = fopen(argv[0] + 4, "w");
  if (out == NULL) {
    perror(argv[0]);
    return 1;
  }
  qemu_plugin_register_vcpu_init_cb(id, start_vcpu);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_vcpu_syscall_cb(id, system_call);
  qemu_plugin_register_atexit_cb(id, finish, NULL);
  return 0;
}
