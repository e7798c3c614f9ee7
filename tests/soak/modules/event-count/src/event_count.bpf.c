// SPDX-License-Identifier: GPL-2.0-only
/* Counts what tests/soak/make_events.c does, a hook a program. tests/soak/events makes the second release by changing
 * RELEASE: each counts on its own, the sum must be all. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define RELEASE 0
#define RELEASES 2
#define GETPPID 110 /* on x86-64 */

const volatile __u32 process;

struct seen {
	__u64 egress;
	__u64 sendmsg;
	__u64 netfilter;
	__u64 probe;
	__u64 probe_return;
	__u64 tp_btf;
	__u64 kprobe;
	__u64 fentry;
	__u64 lsm;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RELEASES);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

static __always_inline struct seen *counters(void)
{
	__u32 release = RELEASE;

	return bpf_map_lookup_elem(&seen, &release);
}

static __always_inline int is_ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == process;
}

#define COUNT(member)                                                                                                  \
	do {                                                                                                           \
		struct seen *seen = counters();                                                                        \
		if (seen)                                                                                              \
			__sync_fetch_and_add(&seen->member, 1);                                                        \
	} while (0)

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	COUNT(egress);
	return 1;
}

SEC("cgroup/sendmsg4")
int on_sendmsg(struct bpf_sock_addr *ctx)
{
	COUNT(sendmsg);
	return 1;
}

SEC("netfilter")
int on_netfilter(void *ctx)
{
	COUNT(netfilter);
	return 1;
}

SEC("uprobe")
int on_probe(void *ctx)
{
	COUNT(probe);
	return 0;
}

SEC("uretprobe")
int on_return(void *ctx)
{
	COUNT(probe_return);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_typed(__u64 *ctx)
{
	if (ctx[1] == GETPPID && is_ours())
		COUNT(tp_btf);
	return 0;
}

SEC("ksyscall/getppid")
int on_kprobe(void *ctx)
{
	if (is_ours())
		COUNT(kprobe);
	return 0;
}

SEC("fentry/vfs_open")
int on_fentry(void *ctx)
{
	if (is_ours())
		COUNT(fentry);
	return 0;
}

SEC("lsm/file_open")
int on_lsm(void *ctx)
{
	if (is_ours())
		COUNT(lsm);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
