/* The verifier refuses it: the pointer may be NULL. */
#define FLOW_MEMBERS __u64 packets;
#include "flow.h"

SEC("tcx/ingress")
int careless(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	return flow->packets > 10; /* no look at NULL */
}
