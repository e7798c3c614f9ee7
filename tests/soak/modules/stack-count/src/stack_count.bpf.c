// SPDX-License-Identifier: GPL-2.0-only
/* Counts the frames that tests/soak/send.c sends, where a tracepoint tells of them and where a raw tracepoint does.
 * tests/soak/upgrades makes the second release by changing RELEASE: each counts on its own, the sum must be all. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "mark.h"

#define RELEASE 0
#define RELEASES 2

/* As much of the kernel's struct as is read. */
struct sk_buff {
	__u32 mark;
} __attribute__((preserve_access_index));

/* The record of net/net_dev_queue. */
struct queued {
	__u64 common;
	const struct sk_buff *skb;
};

struct seen {
	__u64 tracepoint;
	__u64 raw;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RELEASES);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

static __always_inline struct seen *counter(const struct sk_buff *skb)
{
	__u32 release = RELEASE;

	return BPF_CORE_READ(skb, mark) == SEND_MARK ? bpf_map_lookup_elem(&seen, &release) : NULL;
}

SEC("tp/net/net_dev_queue")
int stack_tp(const struct queued *ctx)
{
	struct seen *seen = counter(ctx->skb);

	if (seen)
		__sync_fetch_and_add(&seen->tracepoint, 1);
	return 1; /* perf gets the event too */
}

SEC("raw_tp/net_dev_queue")
int stack_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct seen *seen = counter((const void *)ctx->args[0]);

	if (seen)
		__sync_fetch_and_add(&seen->raw, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
