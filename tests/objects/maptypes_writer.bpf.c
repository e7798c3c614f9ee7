/* Writes maps in all ways that there are, one program a way; the name tells the map. */
#include "maptypes.h"

SEC("tcx/ingress")
int write_t_hash(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value value = {0};
	return bpf_map_update_elem(&t_hash, &key, &value, BPF_ANY) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_array(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&t_array, &key);
	if (value)
		value->port = skb->len;
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_percpu_hash(struct __sk_buff *skb)
{
	__u32 key = 0;
	return bpf_map_delete_elem(&t_percpu_hash, &key) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_percpu_array(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&t_percpu_array, &key);
	if (value)
		bpf_skb_load_bytes(skb, 0, value, 8);
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_lru_hash(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&t_lru_hash, &key);
	if (value)
		__sync_fetch_and_add(&value->packets, 1);
	return TC_ACT_UNSPEC;
}

static long each(void *map, __u32 *key, struct value *value, void *data)
{
	value->packets = 0;
	return 0;
}

SEC("tcx/ingress")
int write_t_lru_percpu_hash(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&t_lru_percpu_hash, each, NULL, 0);
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_lpm_trie(struct __sk_buff *skb)
{
	struct prefix prefix = {32, {10}};
	return bpf_map_delete_elem(&t_lpm_trie, &prefix) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

static __attribute__((noinline)) struct locked *find(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	return bpf_map_lookup_elem(&t_locked, &key);
}

static __attribute__((noinline)) int count(struct locked *locked)
{
	if (locked)
		locked->count = 1;
	return 0;
}

/* The pointer comes from a function and goes to another. */
SEC("tcx/ingress")
int write_t_locked(struct __sk_buff *skb)
{
	return count(find(skb));
}

SEC("tcx/ingress")
int write_t_queue(struct __sk_buff *skb)
{
	struct value value;
	return bpf_map_pop_elem(&t_queue, &value) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_stack(struct __sk_buff *skb)
{
	struct value value = {0};
	return bpf_map_push_elem(&t_stack, &value, 0) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_bloom_filter(struct __sk_buff *skb)
{
	struct value value = {0};
	return bpf_map_push_elem(&t_bloom_filter, &value, 0) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_array_of_maps(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *inner = bpf_map_lookup_elem(&t_array_of_maps, &key);
	struct value *value = inner ? bpf_map_lookup_elem(inner, &key) : NULL;
	if (value)
		value->state = 1;
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_hash_of_maps(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value value = {0};
	void *inner = bpf_map_lookup_elem(&t_hash_of_maps, &key);
	if (inner)
		bpf_map_update_elem(inner, &key, &value, BPF_ANY);
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_perf_event_array(struct __sk_buff *skb)
{
	__u64 sample = 1;
	return bpf_perf_event_output(skb, &t_perf_event_array, BPF_F_CURRENT_CPU, &sample, sizeof(sample))
		       ? TC_ACT_SHOT
		       : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_ringbuf(struct __sk_buff *skb)
{
	__u64 *sample = bpf_ringbuf_reserve(&t_ringbuf, sizeof(*sample), 0);
	if (!sample)
		return TC_ACT_UNSPEC;
	*sample = 1;
	bpf_ringbuf_submit(sample, 0);
	return TC_ACT_UNSPEC;
}

static long drained(struct bpf_dynptr *sample, void *data)
{
	return 0;
}

SEC("tcx/ingress")
int write_t_user_ringbuf(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&t_user_ringbuf, drained, NULL, 0) > 0 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_sockmap(struct __sk_buff *skb)
{
	__u32 key = 0;
	return bpf_map_delete_elem(&t_sockmap, &key) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_t_sk_storage(struct __sk_buff *skb)
{
	struct bpf_sock *sock = skb->sk;
	struct bpf_sock *full = sock ? bpf_sk_fullsock(sock) : NULL;
	return full && bpf_sk_storage_get(&t_sk_storage, full, 0, BPF_SK_STORAGE_GET_F_CREATE) ? TC_ACT_SHOT
											       : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int write_data(struct __sk_buff *skb)
{
	first = skb->len;
	return TC_ACT_UNSPEC;
}
