/* A release with a map of every type whose entries can move, and a program that counts in each by the first word of the
 * packet. What differs between the releases: struct value, struct config, COUNT(), CPU_HASH and what is defined anew.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, map_type, entries, key_type, value_type, flags)                                                      \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__uint(map_flags, flags);                                                                              \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
	} name SEC(".maps")

struct prefix {
	__u32 length;
	__u32 address;
};

MAP(flows, BPF_MAP_TYPE_HASH, ROOM, struct key, struct value, 0);
MAP(sparse, BPF_MAP_TYPE_HASH, ROOM, struct key, struct value, BPF_F_NO_PREALLOC);
/* Each CPU sets some hundred free entries of an LRU map aside, so one of ordinary size is never full of few. */
MAP(recent, BPF_MAP_TYPE_LRU_HASH, 16 * ROOM, struct key, struct value, 0);
MAP(cpu_flows, BPF_MAP_TYPE_PERCPU_HASH, ROOM, struct key, struct value, 0);
MAP(cpu_recent, BPF_MAP_TYPE_LRU_PERCPU_HASH, 16 * ROOM, struct key, struct value, 0);
MAP(slots, BPF_MAP_TYPE_ARRAY, 8, __u32, struct value, 0);
MAP(cpu_slots, BPF_MAP_TYPE_PERCPU_ARRAY, 8, __u32, struct value, 0);
MAP(prefixes, BPF_MAP_TYPE_LPM_TRIE, 64, struct prefix, struct value, BPF_F_NO_PREALLOC);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} events SEC(".maps");
MAP(locked, BPF_MAP_TYPE_HASH, ROOM, struct key, struct locked_value, 0);

static __always_inline void count(void *map, const void *key, __u64 now)
{
	struct value fresh = {}, *value = bpf_map_lookup_elem(map, key);
	if (!value) {
		bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST);
		value = bpf_map_lookup_elem(map, key);
	}
	if (value)
		COUNT(value, now);
}

static __always_inline void count_locked(const struct key *key)
{
	struct locked_value fresh = {}, *value = bpf_map_lookup_elem(&locked, key);
	if (!value) {
		bpf_map_update_elem(&locked, key, &fresh, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&locked, key);
	}
	if (!value)
		return;
	bpf_spin_lock(&value->lock);
	value->PACKETS++;
	bpf_spin_unlock(&value->lock);
}

SEC("xdp")
int count_all(struct xdp_md *xdp)
{
	__u32 *word = (void *)(long)xdp->data;
	if ((void *)(word + 1) > (void *)(long)xdp->data_end)
		return XDP_ABORTED;
	struct key key = {.id = *word};
	struct prefix prefix = {32, *word};
	__u32 slot = *word % 8;
	count(&flows, &key, 5000);
	count(&sparse, &key, 5000);
	count(&recent, &key, 5000);
	count(&cpu_flows, &key, 5000);
	count(&cpu_recent, &key, 5000);
	count(&slots, &slot, 5000);
	count(&cpu_slots, &slot, 5000);
	count(&prefixes, &prefix, 5000);
	count_locked(&key);
	bpf_ringbuf_output(&events, &slot, sizeof(slot), 0);
	__sync_fetch_and_add(&TOTAL, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
