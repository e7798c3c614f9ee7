/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the flow that a packet belongs to. Relative to the network header, so that devices without Ethernet work as
 * well. */
#ifndef PACKET_H
#define PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "flow.h"

#define FRAGMENT_OFFSET 0x1fff /* of the IPv4 field frag_off: not the first fragment */

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 len)
{
	return !bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET);
}

static __always_inline void read_ports(struct __sk_buff *skb, __u32 offset, struct flow_key *key)
{
	__u16 ports[2];

	if (key->proto != IPPROTO_TCP && key->proto != IPPROTO_UDP && key->proto != IPPROTO_SCTP)
		return;
	if (!load(skb, offset, ports, sizeof(ports)))
		return;
	key->sport = ports[0];
	key->dport = ports[1];
}

static __always_inline void map_ipv4(__u8 to[16], __u32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, sizeof(address));
}

static __always_inline bool read_ipv4(struct __sk_buff *skb, struct flow_key *key)
{
	struct iphdr ip;

	if (!load(skb, 0, &ip, sizeof(ip)))
		return false;
	map_ipv4(key->saddr, ip.saddr);
	map_ipv4(key->daddr, ip.daddr);
	key->proto = ip.protocol;
	if (!(ip.frag_off & bpf_htons(FRAGMENT_OFFSET)))
		read_ports(skb, ip.ihl * 4, key);
	return true;
}

/* Extension headers are not followed: such a packet counts under the first header's number, without ports. */
static __always_inline bool read_ipv6(struct __sk_buff *skb, struct flow_key *key)
{
	struct ipv6hdr ip;

	if (!load(skb, 0, &ip, sizeof(ip)))
		return false;
	__builtin_memcpy(key->saddr, &ip.saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, &ip.daddr, sizeof(key->daddr));
	key->proto = ip.nexthdr;
	read_ports(skb, sizeof(ip), key);
	return true;
}

/* False for what is not IP. `key` comes in zeroed. */
static __always_inline bool read_flow(struct __sk_buff *skb, struct flow_key *key)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return read_ipv4(skb, key);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return read_ipv6(skb, key);
	return false;
}

#endif
