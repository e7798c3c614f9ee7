// SPDX-License-Identifier: GPL-2.0-only
/* Counts the packets and bytes of every flow that crosses an interface, both ways, in the shared table `flows`. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"
#include "packet.h"

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTIONS };

struct total {
	__u64 packets;
	__u64 bytes;
};

/* Imported from flow-table. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} flows SEC(".maps");

/* Every packet of each direction, whatever it is, exactly. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DIRECTIONS);
	__type(key, __u32);
	__type(value, struct total);
} totals SEC(".maps");

static __always_inline void add_total(__u32 direction, __u32 bytes)
{
	struct total *total = bpf_map_lookup_elem(&totals, &direction);

	if (!total)
		return;
	__sync_fetch_and_add(&total->packets, 1);
	__sync_fetch_and_add(&total->bytes, bytes);
}

static __always_inline bool add_known(const struct flow_key *key, __u32 bytes, __u64 now)
{
	struct flow_value *flow = bpf_map_lookup_elem(&flows, key);

	if (!flow)
		return false;
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, bytes);
	flow->last_seen_ns = now;
	return true;
}

static __always_inline void add_flow(const struct flow_key *key, __u32 bytes)
{
	__u64 now = bpf_ktime_get_ns();
	struct flow_value first = {.packets = 1, .bytes = bytes, .first_seen_ns = now, .last_seen_ns = now};

	if (add_known(key, bytes, now))
		return;
	/* Another CPU may have been faster: then its entry takes this packet too. */
	if (bpf_map_update_elem(&flows, key, &first, BPF_NOEXIST))
		add_known(key, bytes, now);
}

static __always_inline int count(struct __sk_buff *skb, enum direction direction)
{
	struct flow_key key = {};

	add_total(direction, skb->len);
	if (!skb->vlan_present && read_flow(skb, &key))
		add_flow(&key, skb->len);
	return TC_ACT_UNSPEC; /* on to the next program, in tcx and in clsact */
}

SEC("tcx/ingress")
int count_in(struct __sk_buff *skb)
{
	return count(skb, DIRECTION_IN);
}

SEC("tcx/egress")
int count_out(struct __sk_buff *skb)
{
	return count(skb, DIRECTION_OUT);
}

char LICENSE[] SEC("license") = "GPL";
