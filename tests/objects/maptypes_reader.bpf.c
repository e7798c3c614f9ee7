/* Reads maps of every type, and writes none. */
#include "maptypes.h"

#define READS(map)                                                                                                     \
	SEC("tcx/ingress")                                                                                             \
	int read_##map(struct __sk_buff *skb)                                                                          \
	{                                                                                                              \
		__u32 key = skb->len & 1;                                                                              \
		struct value *value = bpf_map_lookup_elem(&map, &key);                                                 \
		return value && value->packets > 1000 ? TC_ACT_SHOT : TC_ACT_UNSPEC;                                   \
	}

READS(t_hash)
READS(t_array)
READS(t_percpu_hash)
READS(t_percpu_array)
READS(t_lru_hash)
READS(t_lru_percpu_hash)

SEC("tcx/ingress")
int read_t_lpm_trie(struct __sk_buff *skb)
{
	struct prefix prefix = {32, {10}};
	struct value *value = bpf_map_lookup_elem(&t_lpm_trie, &prefix);
	return value ? (int)value->state : TC_ACT_UNSPEC;
}

/* A lock must be written to be taken: that is no write of the value. */
SEC("tcx/ingress")
int read_t_locked(struct __sk_buff *skb)
{
	__u32 key = 0, count;
	struct locked *locked = bpf_map_lookup_elem(&t_locked, &key);
	if (!locked)
		return TC_ACT_UNSPEC;
	bpf_spin_lock(&locked->lock);
	count = locked->count;
	bpf_spin_unlock(&locked->lock);
	return count > 5 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Not on the stack: to Linux 7.2, nobody reads what a bloom filter is asked for, and it must not be there. */
static const volatile struct value asked;

SEC("tcx/ingress")
int read_queues(struct __sk_buff *skb)
{
	struct value value = {0};
	long found = bpf_map_peek_elem(&t_queue, &value) + bpf_map_peek_elem(&t_stack, &value) +
		     bpf_map_peek_elem(&t_bloom_filter, (void *)&asked);
	return found ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_nested(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *inner = bpf_map_lookup_elem(&t_array_of_maps, &key);
	struct value *value = inner ? bpf_map_lookup_elem(inner, &key) : NULL;
	inner = bpf_map_lookup_elem(&t_hash_of_maps, &key);
	return value && inner ? (int)value->state : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_t_ringbuf(struct __sk_buff *skb)
{
	return bpf_ringbuf_query(&t_ringbuf, BPF_RB_AVAIL_DATA) > 100 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_t_sk_storage(struct __sk_buff *skb)
{
	struct bpf_sock *sock = skb->sk;
	struct bpf_sock *full = sock ? bpf_sk_fullsock(sock) : NULL;
	struct value *value = full ? bpf_sk_storage_get(&t_sk_storage, full, 0, 0) : NULL;
	return value && value->state ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_t_sockmap(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct bpf_sock *sock = bpf_map_lookup_elem(&t_sockmap, &key);
	if (!sock)
		return TC_ACT_UNSPEC;
	__u32 family = sock->family;
	bpf_sk_release(sock);
	return family ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_data(struct __sk_buff *skb)
{
	return first + second > 1000 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int read_t_prog_array(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &t_prog_array, 0);
	return TC_ACT_UNSPEC;
}
