// SPDX-License-Identifier: GPL-2.0-only
/* Counts what the processes of a cgroup send and receive over IP. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define ALLOW 1
#define IN 0
#define OUT 1

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic SEC(".maps");

static __always_inline int count(const struct __sk_buff *skb, __u32 way)
{
	struct traffic *counted = bpf_map_lookup_elem(&traffic, &way);

	if (counted) {
		__sync_fetch_and_add(&counted->packets, 1);
		__sync_fetch_and_add(&counted->bytes, skb->len);
	}
	return ALLOW;
}

SEC("cgroup_skb/ingress")
int count_in(struct __sk_buff *skb)
{
	return count(skb, IN);
}

SEC("cgroup_skb/egress")
int count_out(struct __sk_buff *skb)
{
	return count(skb, OUT);
}

char LICENSE[] SEC("license") = "GPL";
