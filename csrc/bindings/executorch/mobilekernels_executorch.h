/* libmobilekernels_executorch: the operators mobilekernels::* as kernels of ExecuTorch. Linking or loading the library
 * registers them; what is declared here is for asking what it is and what went wrong. Plain C, for every language. */
#ifndef MOBILEKERNELS_EXECUTORCH_H_
#define MOBILEKERNELS_EXECUTORCH_H_

#include <stddef.h>

#define MOBILEKERNELS_EXECUTORCH_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
MOBILEKERNELS_EXECUTORCH_API const char* mobilekernels_executorch_version(void);

/* The names of all kernels ("mobilekernels::conv2d.out" ...), sorted; null after the last. */
MOBILEKERNELS_EXECUTORCH_API const char* const* mobilekernels_executorch_ops(void);

/* "": this library's kernels are the ones that run. Else why they are not: another copy of it was first in this process
 * (ExecuTorch would end the process over a second registration, so there is none), or ExecuTorch refused them. */
MOBILEKERNELS_EXECUTORCH_API const char* mobilekernels_executorch_refusal(void);

/* What the latest kernel that failed in this thread had to say, "ValueError: conv2d: x: given ..., accepted ..."; "" if
 * none did. Valid until the next one fails. */
MOBILEKERNELS_EXECUTORCH_API const char* mobilekernels_executorch_last_error(void);

/* Looks at the bytes of a .pte file of mobilekernels.export before ExecuTorch does: "" for a whole and unchanged one,
 * else what is wrong, "FormatError: file: checksum: given ..., accepted ...". Without it a damaged file may crash
 * ExecuTorch's loader. Packed weights are then checked in full at their first run: what an operator saw before is
 * remembered by its address, where another file may have come to lie. Valid until this thread's next call. */
MOBILEKERNELS_EXECUTORCH_API const char* mobilekernels_executorch_check_file(const void* data, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
