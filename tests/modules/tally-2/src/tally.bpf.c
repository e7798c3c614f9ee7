// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct count {
	__u32 weight;
	__u64 packets;
	__u64 bytes;
	__u64 last_ns;
	__u64 spare[3];
};

#define MAP(name, map_type, entries)                                                                                   \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(key, __u32);                                                                                    \
		__type(value, struct count);                                                                           \
	} name SEC(".maps")

MAP(flows, BPF_MAP_TYPE_HASH, 4096);
MAP(recent, BPF_MAP_TYPE_LRU_HASH, 131072);
MAP(cpu_flows, BPF_MAP_TYPE_PERCPU_HASH, 4096);
MAP(sides, BPF_MAP_TYPE_PERCPU_ARRAY, 4);

__u64 total;

static __always_inline void add(void *map, const __u32 *key, __u64 bytes)
{
	struct count zero = {}, *count = bpf_map_lookup_elem(map, key);
	if (!count) {
		bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(map, key);
		if (!count)
			return;
	}
	__sync_fetch_and_add(&count->packets, 1);
	__sync_fetch_and_add(&count->bytes, bytes);
	count->last_ns = bpf_ktime_get_ns();
}

SEC("xdp")
int tally(struct xdp_md *xdp)
{
	struct ethhdr *ethernet = (void *)(long)xdp->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > (void *)(long)xdp->data_end || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__u32 source = ip->saddr, side = bpf_ntohl(source) % 4;
	add(&flows, &source, 100);
	add(&recent, &source, 100);
	add(&cpu_flows, &source, 100);
	add(&sides, &side, 100);
	__sync_fetch_and_add(&total, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
