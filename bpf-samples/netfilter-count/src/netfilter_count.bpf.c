// SPDX-License-Identifier: GPL-2.0-only
/* Counts what passes a point of netfilter, by the protocol above IP. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define ACCEPT 1 /* NF_ACCEPT */
#define FAMILY_IPV6 10
#define PROTOCOLS 256
#define IPV4_PROTOCOL 9 /* where the headers have it */
#define IPV6_PROTOCOL 6

/* As much of the kernel's structs as is read. */
struct sk_buff {
	unsigned int len;
	unsigned char *head;
	__u16 network_header;
} __attribute__((preserve_access_index));

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROTOCOLS);
	__type(key, __u32);
	__type(value, struct traffic);
} protocols SEC(".maps");

/* Of IPv6 the first header after the fixed one. */
static __always_inline __u32 protocol_of(const struct sk_buff *skb, __u8 family)
{
	const unsigned char *header = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	__u8 protocol = 0;

	bpf_probe_read_kernel(&protocol, 1, header + (family == FAMILY_IPV6 ? IPV6_PROTOCOL : IPV4_PROTOCOL));
	return protocol;
}

SEC("netfilter")
int count_packet(struct bpf_nf_ctx *ctx)
{
	__u32 protocol = protocol_of(ctx->skb, ctx->state->pf);
	struct traffic *counted = bpf_map_lookup_elem(&protocols, &protocol);

	if (counted) {
		__sync_fetch_and_add(&counted->packets, 1);
		__sync_fetch_and_add(&counted->bytes, ctx->skb->len);
	}
	return ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
