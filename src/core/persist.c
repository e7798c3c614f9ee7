#include "core/persist.h"

#include <linux/bpf.h>
#include <string.h>

#include "util/cleanup.h"

#define NESTING_MAX 32 /* as deep as JSON that was read can be */

static const char *const kept[] = {"hash",  "percpu_hash",  "lru_hash", "lru_percpu_hash",
				   "array", "percpu_array", "lpm_trie"};

static const char events[] = "holds events that wait for their reader, not a state";
static const char taken[] = "gives an entry away only by losing it";
static const char references[] = "refers to programs, maps, sockets or devices, which end with the kernel";
static const char owned[] = "belongs to sockets, tasks or control groups, which end with the kernel";

static const struct {
	const char *type, *reason;
} refused[] = {
	{"ringbuf", events},
	{"user_ringbuf", events},
	{"perf_event_array", events},
	{"queue", taken},
	{"stack", taken},
	{"bloom_filter", "cannot be read back"},
	{"prog_array", references},
	{"array_of_maps", references},
	{"hash_of_maps", references},
	{"sockmap", references},
	{"sockhash", references},
	{"devmap", references},
	{"devmap_hash", references},
	{"cpumap", references},
	{"xskmap", references},
	{"cgroup_array", references},
	{"struct_ops", references},
	{"reuseport_sockarray", references},
	{"sk_storage", owned},
	{"task_storage", owned},
	{"inode_storage", owned},
	{"cgrp_storage", owned},
	{"cgroup_storage", owned},
	{"percpu_cgroup_storage", owned},
	{"stack_trace", "holds addresses of this kernel's code"},
};

/* What has a meaning for one kernel only: pointers, and the members that the kernel itself keeps (bpf_timer, ...). A
 * lock is none: it is free again. */
static const char *find_fleeting(const json_t *type, int nesting)
{
	const char *word = json_string_value(type), *tag = json_string_value(json_object_get(type, "name"));
	size_t i;
	json_t *member;
	if (word && !strcmp(word, "pointer"))
		return "a pointer";
	if (tag && !strncmp(tag, "bpf_", 4) && strcmp(tag, "bpf_spin_lock") != 0)
		return tag;
	if (!nesting || !json_is_object(type))
		return NULL;
	json_array_foreach(json_object_get(type, "members"), i, member) {
		const char *found = find_fleeting(json_object_get(member, "type"), nesting - 1);
		if (found)
			return found;
	}
	return find_fleeting(json_object_get(type, "of"), nesting - 1);
}

static int refuse(struct iov_ctx *ctx, const struct iov_object_map *map, const char *reason)
{
	return iov_error(ctx, IOV_E_INPUT, "map '%s' cannot be saved: a '%s' %s; take it out of 'persist'", map->name,
			 map->type, reason);
}

static int check_type(struct iov_ctx *ctx, const struct iov_object_map *map)
{
	for (size_t i = 0; i < IOV_COUNT(kept); i++)
		if (!strcmp(kept[i], map->type))
			return IOV_OK;
	for (size_t i = 0; i < IOV_COUNT(refused); i++)
		if (!strcmp(refused[i].type, map->type))
			return refuse(ctx, map, refused[i].reason);
	return refuse(ctx, map, "cannot be read entry by entry");
}

int iov_persist_check(struct iov_ctx *ctx, const struct iov_object_map *map)
{
	int rc = check_type(ctx, map);
	if (rc)
		return rc;
	if (!strncmp(map->name, ".rodata", 7) || !strncmp(map->name, ".kconfig", 8))
		return iov_error(ctx, IOV_E_INPUT,
				 "map '%s' holds constants, which come with the object; take it out of 'persist'",
				 map->name);
	if (map->flags & (BPF_F_RDONLY | BPF_F_WRONLY))
		return refuse(ctx, map, "with these flags cannot be read or filled from user space");
	static const char *const parts[] = {"key", "value"};
	for (size_t i = 0; i < IOV_COUNT(parts); i++) {
		const char *fleeting = find_fleeting(json_object_get(map->layout, parts[i]), NESTING_MAX);
		if (fleeting)
			return iov_error(
				ctx, IOV_E_INPUT,
				"map '%s' cannot be saved: its %s holds %s%s%s, which means nothing after a reboot; "
				"take it out of 'persist'",
				map->name, parts[i], *fleeting == 'a' ? "" : "'", fleeting,
				*fleeting == 'a' ? "" : "'");
	}
	return IOV_OK;
}
