// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Cheap and seldom hit. */
SEC("raw_tp/sched_process_exit")
int trivial(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
