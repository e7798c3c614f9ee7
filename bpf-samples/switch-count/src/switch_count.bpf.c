// SPDX-License-Identifier: GPL-2.0-only
/* Counts context switches on each CPU, those to the idle task apart. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* As much of the kernel's struct as is read; its place in the running kernel is found at load. */
struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct switches {
	__u64 to_task;
	__u64 to_idle;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct switches);
} switches SEC(".maps");

/* Arguments: bool preempt, struct task_struct *prev, struct task_struct *next. */
SEC("raw_tp/sched_switch")
int count_switch(struct bpf_raw_tracepoint_args *ctx)
{
	const struct task_struct *next = (const void *)ctx->args[2];
	__u32 zero = 0;
	struct switches *counted = bpf_map_lookup_elem(&switches, &zero);

	if (!counted)
		return 0;
	if (BPF_CORE_READ(next, pid))
		counted->to_task++;
	else
		counted->to_idle++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
