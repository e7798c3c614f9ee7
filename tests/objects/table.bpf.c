/* Provides the map, and has a variable of every kind that a parameter can set. */
#define FLOW_MEMBERS                                                                                                   \
	__u64 packets;                                                                                                 \
	__u64 bytes;
#include "flow.h"

enum color { RED, GREEN, BLUE = 40 };

struct event {
	char name[8];
	enum color color;
	__u8 address[4];
	__s16 delta;
	__u32 low : 4, high : 28;
	union {
		__u64 whole;
		__u32 half;
	};
	_Bool yes;
	void *where;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct prefix {
	__u32 length;
	__u8 address[4];
};

/* The kernel keeps no types for maps of maps, and old ones none for tries. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, struct prefix);
	__type(value, __u64);
} prefixes SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} nested SEC(".maps");

const volatile __u32 limit = 7;
const volatile __s16 offset = -1;
const volatile _Bool loud = 0;
const volatile char label[8] = "none";
const volatile __u32 port = 0;
__u64 total;
const struct event *event_type __attribute__((unused)); /* keeps the type in the BTF */

SEC("tcx/ingress")
int fill(struct __sk_buff *skb)
{
	__u32 key = limit;
	struct flow fresh = {1, (__u64)offset}, *flow = bpf_map_lookup_elem(&flows, &key);
	if (flow)
		__sync_fetch_and_add(&flow->packets, 1);
	else
		bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY);
	total++;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return TC_ACT_UNSPEC;
	__builtin_memset(event, 0, sizeof(*event));
	for (int i = 0; i < 8; i++)
		event->name[i] = label[i];
	event->color = BLUE;
	event->address[0] = 10;
	event->address[3] = 200;
	event->delta = offset;
	event->low = 5;
	event->high = 70000;
	event->whole = ~0ULL - 1;
	event->yes = loud;
	event->where = (void *)0xffff888000000000;
	bpf_ringbuf_submit(event, 0);
	return TC_ACT_UNSPEC;
}
