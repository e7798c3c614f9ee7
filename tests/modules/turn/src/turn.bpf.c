// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#ifndef BPF_FLOW_DISSECTOR_CONTINUE
#define BPF_FLOW_DISSECTOR_CONTINUE 129 /* Linux 6.0: the kernel dissects as if there were no program */
#endif
#define ACCEPT 1

__u64 sent, dissected;

SEC("netfilter")
int on_output(void *ctx)
{
	__sync_fetch_and_add(&sent, 1);
	return ACCEPT;
}

SEC("flow_dissector")
int on_dissect(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&dissected, 1);
	return BPF_FLOW_DISSECTOR_CONTINUE;
}

char _license[] SEC("license") = "GPL";
