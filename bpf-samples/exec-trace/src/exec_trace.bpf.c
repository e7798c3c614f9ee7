// SPDX-License-Identifier: GPL-2.0-only
/* Tells of every program that is started: who, from where, which file. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define COMM_SIZE 16 /* the kernel's TASK_COMM_LEN */
#define FILENAME_SIZE 256

struct exec_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	char comm[COMM_SIZE];
	char filename[FILENAME_SIZE];
};

const volatile __s64 only_uid = -1; /* -1: everyone */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} execs SEC(".maps");

static __always_inline __u32 parent_pid(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, real_parent, tgid);
}

static __always_inline const void *filename_of(const struct trace_event_raw_sched_process_exec *ctx)
{
	return (const void *)ctx + (ctx->__data_loc_filename & 0xffff); /* the upper half is its length */
}

/* Not inlined, so that the event's type stays in BTF, where `iovpkg events` finds it. */
static __noinline void fill(struct exec_event *event, const struct trace_event_raw_sched_process_exec *ctx)
{
	event->time_ns = bpf_ktime_get_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->ppid = parent_pid();
	event->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_probe_read_kernel_str(event->filename, sizeof(event->filename), filename_of(ctx));
}

SEC("tracepoint/sched/sched_process_exec")
int trace_exec(const struct trace_event_raw_sched_process_exec *ctx)
{
	struct exec_event *event;

	if (only_uid >= 0 && only_uid != (__u32)bpf_get_current_uid_gid())
		return 0;
	event = bpf_ringbuf_reserve(&execs, sizeof(*event), 0);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	fill(event, ctx);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
