/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract of the map `flows`. Modules that import it carry a copy of this file; iovpkg compares the copies when
 * they meet. */
#ifndef FLOW_H
#define FLOW_H

#include <linux/types.h>

struct flow_key {
	__u8 saddr[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d; network byte order, like the ports */
	__u8 daddr[16];
	__u16 sport; /* 0 where the protocol has no ports, and in later fragments */
	__u16 dport;
	__u8 proto; /* IPPROTO_… */
	__u8 pad[3];
};

struct flow_value {
	__u64 packets; /* add to these two atomically */
	__u64 bytes;
	__u64 first_seen_ns; /* CLOCK_MONOTONIC */
	__u64 last_seen_ns;
};

#endif
