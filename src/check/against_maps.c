#include <bpf/btf.h>
#include <linux/bpf.h>
#include <string.h>

#include "check/features.h"
#include "check/finding.h"
#include "util/cleanup.h"

struct iov_finding iov_against_map(const struct iov_kernel *kernel, const char *type)
{
	if (iov_lists(json_object_get(kernel->facts, "maps"), type))
		return iov_finding_good();
	bool named = strcmp(type, "unknown") != 0; /* what is newer than our libbpf */
	if (iov_lists(json_object_get(kernel->facts, "no_maps"), type) ||
	    (named && !iov_enumerates(kernel->btf, "bpf_map_type", "BPF_MAP_TYPE_", type, true)))
		return iov_finding(IOV_FAILS, "map type", IOV_NOT_HERE, iov_feature_since(IOV_MAP_TYPE, type), "%s",
				   type);
	return iov_finding(IOV_MAY_LOAD, "map type",
			   kernel->facts ? "could not be tried on this kernel" : IOV_NOT_TRIED, NULL, "%s", type);
}

/* ---- flags of maps ---- */

#define ACCESS (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define HASHES (BPF_F_NUMA_NODE | ACCESS | BPF_F_ZERO_SEED)

/* Those that every kernel with BTF takes for the type. */
static const struct {
	const char *type;
	uint32_t flags;
} known_flags[] = {
	{"hash", HASHES | BPF_F_NO_PREALLOC},
	{"percpu_hash", HASHES | BPF_F_NO_PREALLOC},
	{"lru_hash", HASHES},
	{"lru_percpu_hash", HASHES | BPF_F_NO_COMMON_LRU},
	{"array", BPF_F_NUMA_NODE | ACCESS | BPF_F_MMAPABLE | BPF_F_INNER_MAP | BPF_F_PRESERVE_ELEMS},
	{"percpu_array", BPF_F_NUMA_NODE | ACCESS},
	{"lpm_trie", BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS},
	{"queue", BPF_F_NUMA_NODE | ACCESS},
	{"stack", BPF_F_NUMA_NODE | ACCESS},
	{"bloom_filter", BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS},
	{"ringbuf", BPF_F_NUMA_NODE},
	{"user_ringbuf", BPF_F_NUMA_NODE},
	{"hash_of_maps", HASHES | BPF_F_NO_PREALLOC},
	{"array_of_maps", BPF_F_NUMA_NODE | ACCESS},
	{"perf_event_array", BPF_F_NUMA_NODE | ACCESS | BPF_F_PRESERVE_ELEMS},
	{"prog_array", BPF_F_NUMA_NODE | ACCESS},
	{"sk_storage", BPF_F_NO_PREALLOC},
	{"task_storage", BPF_F_NO_PREALLOC},
	{"inode_storage", BPF_F_NO_PREALLOC},
	{"cgrp_storage", BPF_F_NO_PREALLOC},
	{"devmap", BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY},
	{"devmap_hash", BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY},
	{"cpumap", BPF_F_NUMA_NODE},
	{"xskmap", BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY},
	{"stack_trace", BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID},
	{"arena", BPF_F_MMAPABLE},
};

/* Has the kernel a flag of this number? They stand in an enum without name. */
static bool has_flag(const struct btf *btf, uint32_t flag)
{
	bool flags = false, found = false;
	for (uint32_t id = 1; id < btf__type_cnt(btf) && !flags; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		for (unsigned i = 0; btf_is_enum(type) && !type->name_off && i < btf_vlen(type); i++) {
			flags |= !strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), "BPF_F_NO_PREALLOC");
			found |= (uint32_t)btf_enum(type)[i].val == flag;
		}
		found &= flags;
	}
	return found || !flags;
}

struct iov_finding iov_against_map_flags(const struct iov_kernel *kernel, const char *type, uint32_t flags)
{
	for (size_t i = 0; i < IOV_COUNT(known_flags); i++)
		if (!strcmp(known_flags[i].type, type))
			flags &= ~known_flags[i].flags;
	if (!flags)
		return iov_finding_good();
	for (uint32_t flag = 1; flag; flag <<= 1)
		if (flags & flag && !has_flag(kernel->btf, flag))
			return iov_finding(IOV_FAILS, "map flag", IOV_NOT_HERE, NULL, "0x%x of %s", flag, type);
	return iov_finding(IOV_MAY_LOAD, "map flag",
			   "is there, but whether maps of this type may have it shows when they are made", NULL,
			   "0x%x of %s", flags, type);
}
