/* SPDX-License-Identifier: GPL-2.0-only */
/* The importer in tests/unit/test_transaction_live.c; RELEASE is its number. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "transaction_hits.h"

#define TEST_ETHERTYPE 0x88b5 /* as in tests/unit/live.c */

SEC("tcx/ingress")
int iovtx_in(struct __sk_buff *skb)
{
	__u32 key = RELEASE;
	__u64 one = 1, *count;

	if (skb->protocol != bpf_htons(TEST_ETHERTYPE))
		return TC_ACT_UNSPEC;
	count = bpf_map_lookup_elem(&hits, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&hits, &key, &one, BPF_ANY);
	return TC_ACT_UNSPEC;
}

/* Behind an entry program: no link of its own. */
SEC("raw_tp/sys_enter")
int iovtx_sys(void *context)
{
	return RELEASE;
}

char LICENSE[] SEC("license") = "GPL";
