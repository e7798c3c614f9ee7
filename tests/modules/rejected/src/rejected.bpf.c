// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

SEC("tcx/ingress")
int careless(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	struct counter *value = bpf_map_lookup_elem(&counters, &key);

	value->count++;
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
