/* What the objects for the engine's tests share. FLOW_MEMBERS is the value of the shared map. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct flow {
	FLOW_MEMBERS
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
