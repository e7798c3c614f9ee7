// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step of a packet's path. tests/soak/mix makes several modules and two releases of each from this source: FIRST
 * stands at XDP and writes its release into the packet, the others at tcx compare it with theirs. METADATA looks at XDP
 * metadata, so that an upgrade must do without.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define RELEASE 1
#define FIRST 0
#define METADATA 0
#define STAMP 42 /* the first byte of the payload of a UDP frame over IPv4 */

struct seen {
	__u64 same;
	__u64 mixed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

#if FIRST
SEC("xdp")
int step(struct xdp_md *ctx)
{
	if (METADATA)
		bpf_xdp_adjust_meta(ctx, 0);
	__u8 *data = (void *)(long)ctx->data;
	__u32 zero = 0;
	struct seen *count = bpf_map_lookup_elem(&seen, &zero);

	if (count && data + STAMP + 1 <= (__u8 *)(long)ctx->data_end) {
		data[STAMP] = RELEASE;
		count->same++;
	}
	return XDP_PASS;
}
#else
SEC("tcx/ingress")
int step(struct __sk_buff *skb)
{
	__u8 stamp = 0;
	__u32 zero = 0;
	struct seen *count = bpf_map_lookup_elem(&seen, &zero);

	if (!count || bpf_skb_load_bytes(skb, STAMP, &stamp, sizeof(stamp)))
		return -1; /* TCX_NEXT */
	if (stamp == RELEASE)
		count->same++;
	else
		count->mixed++;
	return -1;
}
#endif

char LICENSE[] SEC("license") = "GPL";
