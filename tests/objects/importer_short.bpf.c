/* Reads the first field of the value of `table`, and knows of no other. */
#define FLOW_MEMBERS __u64 packets;
#include "flow.h"

SEC("tcx/ingress")
int use(struct __sk_buff *skb)
{
	__u32 key = 7;
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	return flow && flow->packets > 1000 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
