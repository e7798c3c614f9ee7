// SPDX-License-Identifier: GPL-2.0-only
/* Times the calls of a function in user space: from its first instruction to its return. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define COMM_SIZE 16 /* the kernel's TASK_COMM_LEN */
#define THREADS_MAX 10240

struct call {
	__u64 began_ns; /* CLOCK_MONOTONIC */
	__u64 took_ns;
	__u32 pid;
	__u32 thread;
	char comm[COMM_SIZE];
};

const volatile __u64 min_us = 0;

/* Calls that have not returned; of a function that calls itself the innermost is timed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, THREADS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} begun SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} calls SEC(".maps");

SEC("uprobe")
int call_begins(void *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&begun, &thread, &now, BPF_ANY);
	return 0;
}

/* Not inlined, so that the event's type stays in BTF, where `iovpkg events` finds it. */
static __attribute__((noinline)) void fill(struct call *call, __u64 began, __u64 took)
{
	__u64 thread = bpf_get_current_pid_tgid();

	call->began_ns = began;
	call->took_ns = took;
	call->pid = thread >> 32;
	call->thread = (__u32)thread;
	bpf_get_current_comm(call->comm, sizeof(call->comm));
}

SEC("uretprobe")
int call_ends(void *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	__u64 *began = bpf_map_lookup_elem(&begun, &thread);
	struct call *call;

	if (!began)
		return 0;
	if (now - *began >= min_us * 1000) {
		call = bpf_ringbuf_reserve(&calls, sizeof(*call), 0);
		if (call) {
			fill(call, *began, now - *began);
			bpf_ringbuf_submit(call, 0);
		}
	}
	bpf_map_delete_elem(&begun, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
