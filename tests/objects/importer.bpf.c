/* Uses the map of `table` as it is. */
#define FLOW_MEMBERS                                                                                                   \
	__u64 packets;                                                                                                 \
	__u64 bytes;
#include "flow.h"

SEC("tcx/ingress")
int use(struct __sk_buff *skb)
{
	__u32 key = 7;
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	if (flow)
		__sync_fetch_and_add(&flow->bytes, skb->len);
	return TC_ACT_UNSPEC;
}
