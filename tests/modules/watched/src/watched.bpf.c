#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum protocol { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP };

struct total {
	__u64 packets;
	__u64 bytes;
};

struct service {
	__u16 port;
	__u16 none; /* a gap in a key would be bytes that nobody set */
	enum protocol protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct total);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct service);
	__type(value, __u64);
} by_port SEC(".maps");

__u32 bad; /* frames that are no IPv4 */

#ifndef COUNTED
#define COUNTED 1
#endif

static void count_port(__u16 port)
{
	struct service key = {.port = port, .protocol = UDP};
	__u64 one = 1, *count = bpf_map_lookup_elem(&by_port, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&by_port, &key, &one, BPF_ANY);
}

SEC("tcx/ingress")
int count_in(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 zero = 0;
	struct total *total = bpf_map_lookup_elem(&totals, &zero);
	if ((void *)(udp + 1) > (void *)(long)skb->data_end || eth->h_proto != bpf_htons(ETH_P_IP)) {
		bad++;
		return -1;
	}
	if (total && COUNTED) {
		total->packets++;
		total->bytes += skb->len;
	}
	if (ip->protocol == IPPROTO_UDP)
		count_port(bpf_ntohs(udp->dest));
	return -1; /* TCX_NEXT */
}

char LICENSE[] SEC("license") = "GPL";
