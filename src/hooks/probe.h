/* What this kernel lets be loaded. Asked with a program of two instructions. */
#ifndef IOV_HOOKS_PROBE_H
#define IOV_HOOKS_PROBE_H

#include <linux/bpf.h>
#include <stdbool.h>

/* Does the kernel take programs of this type? True where this process may load no program at all, which is an error of
 * another kind. */
bool iov_probe_program(enum bpf_prog_type type, enum bpf_attach_type attach_type);
/* The same for types that attach to what kernel BTF names. */
bool iov_probe_btf_program(enum bpf_prog_type type, enum bpf_attach_type attach_type);

#endif
