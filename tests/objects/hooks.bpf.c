/* Two programs for each hook, which count the events that the test makes: `seen` says which of the two had how many. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TEST_PORT 4950
#define TEST_ETHERTYPE 0x88b5 /* IEEE 802 local experimental */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct wanted {
	__u32 thread; /* whose system calls count, 0: nobody's */
	__u32 call;   /* which of them */
} wanted;

static __always_inline void see(__u32 which)
{
	__u64 *count = bpf_map_lookup_elem(&seen, &which);
	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline void see_frame(void *data, void *end, __u32 which)
{
	__be16 *type = data + 12;
	if ((void *)(type + 1) <= end && *type == bpf_htons(TEST_ETHERTYPE))
		see(which);
}

static __always_inline void see_call(__u64 call, __u32 which)
{
	if ((__u32)bpf_get_current_pid_tgid() == wanted.thread && call == wanted.call)
		see(which);
}

static __always_inline void see_thread(__u32 which)
{
	if ((__u32)bpf_get_current_pid_tgid() == wanted.thread)
		see(which);
}

SEC("xdp")
int xdp_first(struct xdp_md *ctx)
{
	see_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	return XDP_PASS;
}

SEC("xdp")
int xdp_second(struct xdp_md *ctx)
{
	see_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end, 1);
	return XDP_PASS;
}

SEC("tcx/ingress")
int tc_first(struct __sk_buff *skb)
{
	see_frame((void *)(long)skb->data, (void *)(long)skb->data_end, 0);
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int tc_second(struct __sk_buff *skb)
{
	see_frame((void *)(long)skb->data, (void *)(long)skb->data_end, 1);
	return TC_ACT_UNSPEC;
}

/* The record of the event: 8 common bytes, then the number of the call. */
SEC("tp/raw_syscalls/sys_enter")
int tp_first(void *ctx)
{
	see_call(*(__u64 *)(ctx + 8), 0);
	return 0;
}

SEC("tp/raw_syscalls/sys_enter")
int tp_second(void *ctx)
{
	see_call(*(__u64 *)(ctx + 8), 1);
	return 0;
}

/* Past the record, which has 64 bytes. */
SEC("tp/raw_syscalls/sys_enter")
int tp_too_far(void *ctx)
{
	return *(long *)(ctx + 80) == 1;
}

SEC("raw_tp/sys_enter")
int raw_first(struct bpf_raw_tracepoint_args *ctx)
{
	see_call(ctx->args[1], 0);
	return 0;
}

SEC("raw_tp/sys_enter")
int raw_second(struct bpf_raw_tracepoint_args *ctx)
{
	see_call(ctx->args[1], 1);
	return 0;
}

/* sys_enter has two arguments. */
SEC("raw_tp/sys_enter")
int raw_too_far(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[4] == 1;
}

/* Two programs that differ in nothing but what they write down. */
#define PAIR(name, section, context, statement)                                                                        \
	SEC(section) int name##_first(context *ctx)                                                                    \
	{                                                                                                              \
		const __u32 which = 0;                                                                                 \
		statement;                                                                                             \
	}                                                                                                              \
	SEC(section) int name##_second(context *ctx)                                                                   \
	{                                                                                                              \
		const __u32 which = 1;                                                                                 \
		statement;                                                                                             \
	}

PAIR(egress, "cgroup_skb/egress", struct __sk_buff, {
	see(which);
	return 1;
})
PAIR(ingress, "cgroup_skb/ingress", struct __sk_buff, {
	see(which);
	return 1;
})
PAIR(sendmsg, "cgroup/sendmsg4", struct bpf_sock_addr, {
	if (ctx->user_port == bpf_htons(TEST_PORT))
		see(which);
	return 1;
})
PAIR(lookup, "sk_lookup", struct bpf_sk_lookup, {
	if (ctx->local_port == TEST_PORT)
		see(which);
	return SK_PASS;
})
PAIR(filter, "netfilter", void, {
	see(which);
	return 1;
})
PAIR(uprobe, "uprobe", void, {
	see_thread(which);
	return 0;
})
PAIR(uretprobe, "uretprobe", void, {
	see_thread(which);
	return 0;
})
PAIR(sleepy, "uprobe.s", void, {
	see_thread(which);
	return 0;
})
PAIR(kprobe, "ksyscall/getppid", void, {
	see_thread(which);
	return 0;
})
PAIR(kretprobe, "kretsyscall/getppid", void, {
	see_thread(which);
	return 0;
})
PAIR(typed, "tp_btf/sys_enter", __u64, {
	see_call(ctx[1], which);
	return 0;
})
PAIR(fentry, "fentry/vfs_open", __u64, {
	if (bpf_get_func_ip(ctx)) /* which a trampoline keeps only where it is asked for */
		see_thread(which);
	return 0;
})
PAIR(fexit, "fexit/vfs_open", __u64, {
	see_thread(which);
	return 0;
})
PAIR(lsm, "lsm/file_open", __u64, {
	see_thread(which);
	return 0;
})
PAIR(lsm_sleepy, "lsm.s/file_open", __u64, {
	see_thread(which);
	return 0;
})
PAIR(lsm_cgroup, "lsm_cgroup/socket_sendmsg", __u64, {
	see_thread(which);
	return 1;
})

char LICENSE[] SEC("license") = "GPL";
