// SPDX-License-Identifier: GPL-2.0-only
/* Drops IPv4 packets by the prefix of their source address, before the kernel spends anything on them. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct prefix {
	__u32 length; /* bits of the address that count, 0 to 32 */
	__u8 address[4];
};

struct hits {
	__u64 dropped; /* packets; write 0 when adding a prefix */
};

struct verdicts {
	__u64 passed;
	__u64 dropped;
};

/* Filled by bpftool or by a module that imports it. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct prefix);
	__type(value, struct hits);
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct verdicts);
} verdicts SEC(".maps");

/* The entry for a packet's source; NULL for what is not IPv4 and for what no prefix covers. */
static __always_inline struct hits *find_block(const struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = data;
	const struct iphdr *ip = (const void *)(ethernet + 1);
	struct prefix source = {.length = 32};

	if ((const void *)(ip + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return NULL;
	__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
	return bpf_map_lookup_elem(&blocked, &source);
}

SEC("xdp")
int guard(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct verdicts *counted = bpf_map_lookup_elem(&verdicts, &zero);
	struct hits *block = find_block(ctx);

	if (counted && block)
		counted->dropped++;
	else if (counted)
		counted->passed++;
	if (!block)
		return XDP_PASS;
	__sync_fetch_and_add(&block->dropped, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
