/* What the kernel gives to programs under the GPL only: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

struct made_up {
	int one;
} __core;

long sum;

SEC("xdp")
int free_helper(struct xdp_md *ctx)
{
	return bpf_ktime_get_ns() ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int prints(struct xdp_md *ctx)
{
	static const char text[] = "x";
	bpf_trace_printk(text, sizeof(text));
	return XDP_PASS;
}

SEC("raw_tp/sys_enter")
int reads(void *ctx)
{
	return bpf_probe_read_kernel(&sum, sizeof(sum), ctx);
}

SEC("raw_tp/sys_enter")
int reads_never(void *ctx)
{
	return bpf_core_type_exists(struct made_up) ? bpf_probe_read_kernel(&sum, sizeof(sum), ctx) : 0;
}

SEC("raw_tp/sys_enter")
int sleeps_not(void *ctx)
{
	return bpf_get_current_task() != 0;
}

SEC("lsm/file_open")
int guards(void *ctx)
{
	return 0;
}

SEC("fentry/vfs_open")
int enters(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
