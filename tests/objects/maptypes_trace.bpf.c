/* A map type that a kernel may be built without. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 80);
} t_stack_trace SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
