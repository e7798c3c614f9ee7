// SPDX-License-Identifier: GPL-2.0-only
#define RELEASE 2
#include "transaction_count.h"

SEC("xdp")
int iovtx_guard(struct xdp_md *context)
{
	return XDP_PASS;
}
