/* Helpers that some kernels have, or some kinds of programs: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} numbers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} devices SEC(".maps");

char bytes[64];
long sum;

#define PROGRAM(section, name, context)                                                                                \
	SEC(section)                                                                                                   \
	int name(context *ctx)

PROGRAM("xdp", everywhere, struct xdp_md)
{
	int key = 0, *value = bpf_map_lookup_elem(&numbers, &key);
	return value && bpf_ktime_get_ns() ? XDP_PASS : XDP_DROP;
}
PROGRAM("xdp", of_its_kind, struct xdp_md)
{
	return bpf_redirect_map(&devices, 0, 0);
}
PROGRAM("kprobe/vfs_open", of_another_kind, void)
{
	return bpf_redirect_map(&devices, 0, 0);
}
PROGRAM("xdp", of_sockets, struct xdp_md)
{
	return bpf_skb_load_bytes((void *)ctx, 0, bytes, 4);
}
PROGRAM("tc", of_tc, struct __sk_buff)
{
	return bpf_skb_load_bytes(ctx, 0, bytes, 4);
}
PROGRAM("socket", of_filters, struct __sk_buff)
{
	return bpf_skb_load_bytes(ctx, 0, bytes, 4);
}
PROGRAM("socket", not_of_filters, struct __sk_buff)
{
	return bpf_skb_store_bytes(ctx, 0, bytes, 4, 0);
}
PROGRAM("cgroup_skb/egress", of_cgroups, struct __sk_buff)
{
	return bpf_skb_cgroup_id(ctx) > 0;
}
PROGRAM("cgroup/bind4", binds, struct bpf_sock_addr)
{
	return bpf_bind(ctx, (void *)bytes, 16) == 0;
}
PROGRAM("cgroup/connect4", connects, struct bpf_sock_addr)
{
	return bpf_bind(ctx, (void *)bytes, 16) == 0;
}
PROGRAM("cgroup/getpeername4", of_names, struct bpf_sock_addr)
{
	sum += bpf_get_netns_cookie(ctx);
	return 1;
}
PROGRAM("raw_tp/sys_enter", sleeps_where_it_may_not, void)
{
	return bpf_copy_from_user(bytes, 8, (void *)0);
}
PROGRAM("syscall", sleeps, void)
{
	return bpf_copy_from_user(bytes, 8, (void *)0);
}
PROGRAM("uprobe.s/x:y", sleeps_in_a_probe, void)
{
	return bpf_copy_from_user(bytes, 8, (void *)0);
}
PROGRAM("kprobe/vfs_open", overrides, void)
{
	return bpf_override_return(ctx, 0);
}
PROGRAM("raw_tp/sys_enter", overrides_elsewhere, void)
{
	return bpf_override_return(ctx, 0);
}
PROGRAM("perf_event", samples, struct bpf_perf_event_data)
{
	return bpf_read_branch_records((void *)ctx, bytes, 24, 0);
}
PROGRAM("raw_tp/sys_enter", no_samples, void)
{
	return bpf_read_branch_records(ctx, bytes, 24, 0);
}
PROGRAM("raw_tp/sys_enter", made_up, void)
{
	return bpf_made_up();
}
PROGRAM("syscall", system_calls, void)
{
	return bpf_sys_close(7);
}
PROGRAM("raw_tp/sys_enter", no_system_calls, void)
{
	return bpf_sys_close(7);
}
PROGRAM("cgroup/sysctl", names_of_sysctls, struct bpf_sysctl)
{
	return bpf_sysctl_get_name(ctx, bytes, sizeof(bytes), 0) > 0;
}
PROGRAM("lwt_xmit", lightweight, struct __sk_buff)
{
	return bpf_skb_change_head(ctx, 14, 0);
}
PROGRAM("lwt_in", not_lightweight, struct __sk_buff)
{
	return bpf_skb_change_head(ctx, 14, 0);
}
PROGRAM("sk_reuseport", of_reuse, struct sk_reuseport_md)
{
	return bpf_skb_load_bytes((void *)ctx, 0, bytes, 4) ? SK_DROP : SK_PASS;
}
PROGRAM("sk_reuseport/migrate", of_migration, struct sk_reuseport_md)
{
	return bpf_skb_load_bytes((void *)ctx, 0, bytes, 4) ? SK_DROP : SK_PASS;
}
PROGRAM("sk_lookup", of_lookups, struct bpf_sk_lookup)
{
	sum += bpf_ktime_get_ns();
	return SK_PASS;
}
PROGRAM("flow_dissector", of_dissectors, struct __sk_buff)
{
	return bpf_skb_load_bytes(ctx, 0, bytes, 4) ? BPF_DROP : BPF_OK;
}

char LICENSE[] SEC("license") = "GPL";
