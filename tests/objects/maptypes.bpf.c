/* Provides a map of every type. */
#include "maptypes.h"

__u64 counted;
__u64 started = 5;

SEC("tcx/ingress")
int provide(struct __sk_buff *skb)
{
	counted++;
	started++;
	return TC_ACT_UNSPEC;
}
