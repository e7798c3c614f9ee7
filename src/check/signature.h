/* What a type comes to when libbpf compares it with the kernel's (libbpf: bpf_core_types_are_compat). */
#ifndef IOV_CHECK_SIGNATURE_H
#define IOV_CHECK_SIGNATURE_H

#include <stdint.h>

struct btf;

/* "int", "*struct", "[]int", "(*struct,int)*void": kinds without names, through pointers; owned by the caller. Types of
 * which it is the same fit each other. NULL: no memory. */
char *iov_signature(const struct btf *btf, uint32_t type_id);

#endif
