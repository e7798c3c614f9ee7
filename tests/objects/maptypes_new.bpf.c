/* Map types that are newer than Linux 6.1. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CGRP_STORAGE 32 /* newer than the headers that this is built with */
#define ARENA 33

struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} t_cgrp_storage SEC(".maps");

struct {
	__uint(type, ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4); /* pages */
} t_arena SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
