// SPDX-License-Identifier: GPL-2.0-only
/* Counts removed files, by the name of the process that removes them. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define COMM_SIZE 16 /* the kernel's TASK_COMM_LEN */

struct process {
	char comm[COMM_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct process);
	__type(value, __u64);
} removed SEC(".maps");

SEC("kprobe/vfs_unlink")
int count_unlink(void *ctx)
{
	struct process process = {};
	__u64 *count, one = 1;

	bpf_get_current_comm(process.comm, sizeof(process.comm));
	count = bpf_map_lookup_elem(&removed, &process);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&removed, &process, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
