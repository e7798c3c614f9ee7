// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the flows with the most bytes in the shared table `flows`, which it only reads. The walk is done by the packet
 * that arrives when the interval is over: no program in user space has to run.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stdbool.h>

#include "flow.h"

#define TOP 8
#define ADDRESS_SIZE 40 /* an IPv6 address in full, and the terminator */

struct bpf_map; /* the callback gets one, and has no use for it */

struct top_flow {
	struct flow_key key;
	__u64 packets;
	__u64 bytes;
};

/* What readers of the ring buffer get: the first of `top`, addresses as text. */
struct top_talker {
	char source[ADDRESS_SIZE];
	char target[ADDRESS_SIZE];
	__u16 source_port;
	__u16 target_port;
	__u32 proto;
	__u64 packets;
	__u64 bytes;
};

const volatile __u64 interval_ms = 1000;

/* Imported from flow-table. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} flows SEC(".maps");

/* The last ranking, most bytes first; unused places are zero. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOP);
	__type(key, __u32);
	__type(value, struct top_flow);
} top SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} top_talkers SEC(".maps");

static __u64 next_walk_ns;	     /* nobody walks before */
static __u32 walking;		     /* 1: a CPU does */
static struct top_flow ranking[TOP]; /* of the CPU that walks */

/* Finds the flow's place from the bottom up, moving the smaller ones down. */
static long rank_flow(struct bpf_map *map, const struct flow_key *key, const struct flow_value *flow, void *unused)
{
	__u64 bytes = flow->bytes;
	int place = TOP - 1;

	(void)map;
	(void)unused;
	if (bytes <= ranking[TOP - 1].bytes)
		return 0;
	for (int i = TOP - 1; i > 0; i--) {
		if (bytes <= ranking[i - 1].bytes)
			break;
		ranking[i] = ranking[i - 1];
		place = i - 1;
	}
	place &= TOP - 1; /* for the verifier */
	ranking[place].key = *key;
	ranking[place].packets = flow->packets;
	ranking[place].bytes = bytes;
	return 0;
}

static bool is_ipv4(const __u8 address[16])
{
	return !*(const __u64 *)address && *(const __u32 *)(address + 8) == bpf_htonl(0xffff);
}

static void write_address(char *to, const __u8 address[16])
{
	if (is_ipv4(address))
		BPF_SNPRINTF(to, ADDRESS_SIZE, "%pI4", address + 12);
	else
		BPF_SNPRINTF(to, ADDRESS_SIZE, "%pI6", address);
}

/* Not inlined, so that the event's type stays in BTF, where `iovpkg events` finds it. */
static __noinline void fill(struct top_talker *event, const struct top_flow *flow)
{
	write_address(event->source, flow->key.saddr);
	write_address(event->target, flow->key.daddr);
	event->source_port = bpf_ntohs(flow->key.sport);
	event->target_port = bpf_ntohs(flow->key.dport);
	event->proto = flow->key.proto;
	event->packets = flow->packets;
	event->bytes = flow->bytes;
}

static __always_inline void report(const struct top_flow *flow)
{
	struct top_talker *event = bpf_ringbuf_reserve(&top_talkers, sizeof(*event), 0);

	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	fill(event, flow);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void walk(void)
{
	__builtin_memset(ranking, 0, sizeof(ranking));
	bpf_for_each_map_elem(&flows, rank_flow, NULL, 0);
	for (__u32 i = 0; i < TOP; i++) {
		__u32 place = i; /* an address taken of `i` would hide the loop's end from the verifier */

		bpf_map_update_elem(&top, &place, &ranking[i], BPF_ANY);
	}
	if (ranking[0].bytes)
		report(&ranking[0]);
}

SEC("tcx/ingress")
int rank_flows(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_ns();

	(void)skb;
	if (now < next_walk_ns || __sync_val_compare_and_swap(&walking, 0, 1))
		return TC_ACT_UNSPEC;
	if (now >= next_walk_ns) { /* a CPU that has just finished may have moved it on */
		next_walk_ns = now + interval_ms * 1000000;
		walk();
	}
	__sync_lock_test_and_set(&walking, 0);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
