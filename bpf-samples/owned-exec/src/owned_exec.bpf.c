// SPDX-License-Identifier: GPL-2.0-only
/* Refuses to start a program as root whose file another user owns, and could change. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1

/* As much of the kernel's structs as is read. */
typedef struct {
	__u32 val;
} kuid_t;

struct inode {
	kuid_t i_uid;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

struct linux_binprm {
	struct file *file;
} __attribute__((preserve_access_index));

const volatile bool enforce = true;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

/* Argument: struct linux_binprm *bprm. */
SEC("lsm/bprm_check_security")
long check_owner(__u64 *ctx)
{
	const struct linux_binprm *bprm = (const void *)ctx[0];
	__u32 zero = 0;
	__u64 *count;

	if ((__u32)bpf_get_current_uid_gid() || !BPF_CORE_READ(bprm, file, f_inode, i_uid.val))
		return 0;
	count = bpf_map_lookup_elem(&refused, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
	if (!enforce)
		return 0;
	barrier(); /* or the compiler computes the verdict in 32 bits, which verifiers take for a positive number */
	return -EPERM;
}

char LICENSE[] SEC("license") = "GPL";
