// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} last SEC(".maps");

SEC("tp_btf/sched_process_exit")
int BPF_PROG(core_tp_btf, struct task_struct *task)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&last, &zero);

	if (value)
		*value = (__u64)task->tgid << 32 | task->pid;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
