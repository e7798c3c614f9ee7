/* A map of every type that Linux 6.1 has, as the provider has them and as importers know them. maptypes_new.bpf.c and
 * maptypes_trace.bpf.c have those that some kernels lack. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, map_type, key_type, value_type, entries, flags)                                                      \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__uint(map_flags, flags);                                                                              \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
	} name SEC(".maps")

#define KEYLESS(name, map_type, value_type, entries)                                                                   \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(value, value_type);                                                                             \
	} name SEC(".maps")

#define BUFFER(name, map_type, size)                                                                                   \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, size);                                                                             \
	} name SEC(".maps")

struct value {
	__u64 packets;
	__u32 port;
	__u32 state;
};

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct locked {
	struct bpf_spin_lock lock;
	__u32 count;
};

MAP(t_hash, BPF_MAP_TYPE_HASH, __u32, struct value, 16, 0);
MAP(t_array, BPF_MAP_TYPE_ARRAY, __u32, struct value, 16, 0);
MAP(t_percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct value, 16, 0);
MAP(t_percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct value, 16, 0);
MAP(t_lru_hash, BPF_MAP_TYPE_LRU_HASH, __u32, struct value, 16, 0);
MAP(t_lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, struct value, 16, 0);
MAP(t_lpm_trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix, struct value, 16, BPF_F_NO_PREALLOC);
MAP(t_locked, BPF_MAP_TYPE_HASH, __u32, struct locked, 16, 0);
MAP(t_prog_array, BPF_MAP_TYPE_PROG_ARRAY, __u32, __u32, 4, 0);
MAP(t_perf_event_array, BPF_MAP_TYPE_PERF_EVENT_ARRAY, __u32, __u32, 4, 0);
MAP(t_cgroup_array, BPF_MAP_TYPE_CGROUP_ARRAY, __u32, __u32, 4, 0);
MAP(t_devmap, BPF_MAP_TYPE_DEVMAP, __u32, __u32, 4, 0);
MAP(t_devmap_hash, BPF_MAP_TYPE_DEVMAP_HASH, __u32, __u32, 4, 0);
MAP(t_cpumap, BPF_MAP_TYPE_CPUMAP, __u32, __u32, 4, 0);
MAP(t_sockmap, BPF_MAP_TYPE_SOCKMAP, __u32, __u64, 4, 0);
MAP(t_sockhash, BPF_MAP_TYPE_SOCKHASH, __u32, __u64, 4, 0);
MAP(t_reuseport_sockarray, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, __u32, __u64, 4, 0);
KEYLESS(t_queue, BPF_MAP_TYPE_QUEUE, struct value, 16);
KEYLESS(t_stack, BPF_MAP_TYPE_STACK, struct value, 16);
KEYLESS(t_bloom_filter, BPF_MAP_TYPE_BLOOM_FILTER, struct value, 16);
BUFFER(t_ringbuf, BPF_MAP_TYPE_RINGBUF, 4096);
BUFFER(t_user_ringbuf, BPF_MAP_TYPE_USER_RINGBUF, 4096);
MAP(t_sk_storage, BPF_MAP_TYPE_SK_STORAGE, int, struct value, 0, BPF_F_NO_PREALLOC);
MAP(t_inode_storage, BPF_MAP_TYPE_INODE_STORAGE, int, struct value, 0, BPF_F_NO_PREALLOC);
MAP(t_task_storage, BPF_MAP_TYPE_TASK_STORAGE, int, struct value, 0, BPF_F_NO_PREALLOC);
MAP(t_cgroup_storage, BPF_MAP_TYPE_CGROUP_STORAGE, struct bpf_cgroup_storage_key, struct value, 0, 0);
MAP(t_percpu_cgroup_storage, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, struct bpf_cgroup_storage_key, struct value, 0, 0);

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} t_xskmap SEC(".maps");

/* Sizes alone: to Linux 6.1, maps with and without BTF differ, and those that the test puts in have none. */
struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct value));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} t_array_of_maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} t_hash_of_maps SEC(".maps");

#ifdef SWAPPED
__u64 second SEC(".data.shared") = 2;
__u64 first SEC(".data.shared") = 1;
#else
__u64 first SEC(".data.shared") = 1;
__u64 second SEC(".data.shared") = 2;
#endif

char LICENSE[] SEC("license") = "GPL";
