#include "check/features.h"

#include <string.h>

struct feature {
	const char *name, *since;
};

static const struct feature program_types[] = {
	{"socket_filter", "3.19"},
	{"kprobe", "4.1"},
	{"sched_cls", "4.1"},
	{"sched_act", "4.1"},
	{"tracepoint", "4.7"},
	{"xdp", "4.8"},
	{"perf_event", "4.9"},
	{"cgroup_skb", "4.10"},
	{"cgroup_sock", "4.10"},
	{"lwt_in", "4.10"},
	{"lwt_out", "4.10"},
	{"lwt_xmit", "4.10"},
	{"sock_ops", "4.13"},
	{"sk_skb", "4.14"},
	{"cgroup_device", "4.15"},
	{"sk_msg", "4.17"},
	{"raw_tracepoint", "4.17"},
	{"cgroup_sock_addr", "4.17"},
	{"lwt_seg6local", "4.18"},
	{"lirc_mode2", "4.18"},
	{"sk_reuseport", "4.19"},
	{"flow_dissector", "4.20"},
	{"cgroup_sysctl", "5.2"},
	{"raw_tracepoint_writable", "5.2"},
	{"cgroup_sockopt", "5.3"},
	{"tracing", "5.5"},
	{"struct_ops", "5.6"},
	{"ext", "5.6"},
	{"lsm", "5.7"},
	{"sk_lookup", "5.9"},
	{"syscall", "5.14"},
	{"netfilter", "6.4"},
	{0},
};

static const struct feature map_types[] = {
	{"hash", "3.19"},
	{"array", "3.19"},
	{"prog_array", "4.2"},
	{"perf_event_array", "4.3"},
	{"percpu_hash", "4.6"},
	{"percpu_array", "4.6"},
	{"stack_trace", "4.6"},
	{"cgroup_array", "4.8"},
	{"lru_hash", "4.10"},
	{"lru_percpu_hash", "4.10"},
	{"lpm_trie", "4.11"},
	{"array_of_maps", "4.12"},
	{"hash_of_maps", "4.12"},
	{"devmap", "4.14"},
	{"sockmap", "4.14"},
	{"cpumap", "4.15"},
	{"xskmap", "4.18"},
	{"sockhash", "4.18"},
	{"cgroup_storage", "4.19"},
	{"reuseport_sockarray", "4.19"},
	{"percpu_cgroup_storage", "4.20"},
	{"queue", "4.20"},
	{"stack", "4.20"},
	{"sk_storage", "5.2"},
	{"devmap_hash", "5.4"},
	{"struct_ops", "5.6"},
	{"ringbuf", "5.8"},
	{"inode_storage", "5.10"},
	{"task_storage", "5.11"},
	{"bloom_filter", "5.16"},
	{"user_ringbuf", "6.1"},
	{"cgrp_storage", "6.2"},
	{"arena", "6.9"},
	{"insn_array", "6.19"},
	{0},
};

static const struct feature attach_types[] = {
	{"cgroup_inet_ingress", "4.10"},
	{"cgroup_inet_egress", "4.10"},
	{"cgroup_inet_sock_create", "4.10"},
	{"cgroup_sock_ops", "4.13"},
	{"sk_skb_stream_parser", "4.14"},
	{"sk_skb_stream_verdict", "4.14"},
	{"cgroup_device", "4.15"},
	{"sk_msg_verdict", "4.17"},
	{"cgroup_inet4_bind", "4.17"},
	{"cgroup_inet6_bind", "4.17"},
	{"cgroup_inet4_connect", "4.17"},
	{"cgroup_inet6_connect", "4.17"},
	{"cgroup_inet4_post_bind", "4.17"},
	{"cgroup_inet6_post_bind", "4.17"},
	{"cgroup_udp4_sendmsg", "4.18"},
	{"cgroup_udp6_sendmsg", "4.18"},
	{"lirc_mode2", "4.18"},
	{"flow_dissector", "4.20"},
	{"cgroup_sysctl", "5.2"},
	{"cgroup_udp4_recvmsg", "5.2"},
	{"cgroup_udp6_recvmsg", "5.2"},
	{"cgroup_getsockopt", "5.3"},
	{"cgroup_setsockopt", "5.3"},
	{"trace_raw_tp", "5.5"},
	{"trace_fentry", "5.5"},
	{"trace_fexit", "5.5"},
	{"modify_return", "5.7"},
	{"lsm_mac", "5.7"},
	{"trace_iter", "5.8"},
	{"cgroup_inet4_getpeername", "5.8"},
	{"cgroup_inet6_getpeername", "5.8"},
	{"cgroup_inet4_getsockname", "5.8"},
	{"cgroup_inet6_getsockname", "5.8"},
	{"xdp_devmap", "5.8"},
	{"cgroup_inet_sock_release", "5.9"},
	{"xdp_cpumap", "5.9"},
	{"sk_lookup", "5.9"},
	{"xdp", "5.9"},
	{"sk_skb_verdict", "5.13"},
	{"sk_reuseport_select", "5.14"},
	{"sk_reuseport_select_or_migrate", "5.14"},
	{"perf_event", "5.15"},
	{"trace_kprobe_multi", "5.18"},
	{"lsm_cgroup", "6.0"},
	{"tcx_ingress", "6.6"},
	{"tcx_egress", "6.6"},
	{"netkit_primary", "6.7"},
	{"netkit_peer", "6.7"},
	{"trace_kprobe_session", "6.10"},
	{0},
};

static const struct feature *const features[] = {
	[IOV_PROGRAM_TYPE] = program_types,
	[IOV_MAP_TYPE] = map_types,
	[IOV_ATTACH_TYPE] = attach_types,
};

static const char *helper_since(const char *name)
{
	for (uint32_t i = 1; i < IOV_HELPERS; i++)
		if (!strcmp(iov_helpers[i].name, name))
			return iov_helpers[i].since;
	return NULL;
}

const char *iov_feature_since(enum iov_feature feature, const char *name)
{
	if (feature == IOV_HELPER)
		return helper_since(name);
	for (const struct feature *row = features[feature]; row->name; row++)
		if (!strcmp(row->name, name))
			return row->since;
	return NULL;
}
