/* Knows the shared variables in another order. */
#define SWAPPED
#include "maptypes.h"

SEC("tcx/ingress")
int read_data(struct __sk_buff *skb)
{
	return first + second > 1000 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
