#include "check/core_types.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#include "check/flavor.h"
#include "check/needs.h"

#define BUCKETS (1u << 16) /* a kernel has some 40,000 names */

struct iov_core_types {
	uint32_t heads[BUCKETS];
	uint32_t next[]; /* by type: the next one of its bucket, larger than it */
};

/* FNV-1a. */
static uint32_t bucket_of(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return (hash ^ hash >> 16) & (BUCKETS - 1);
}

struct iov_core_types *iov_core_types_new(const struct btf *btf)
{
	uint32_t count = btf__type_cnt(btf);
	struct iov_core_types *types = calloc(1, sizeof(*types) + count * sizeof(types->next[0]));
	for (uint32_t id = count; types && id-- > 1;) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, type->name_off);
		if (!*name || !iov_kind_word(btf_kind(type)))
			continue;
		uint32_t *head = &types->heads[bucket_of(name, iov_essential_len(name))];
		types->next[id] = *head;
		*head = id;
	}
	return types;
}

void iov_core_types_free(struct iov_core_types *types)
{
	free(types);
}

uint32_t iov_core_types_next(const struct iov_core_types *types, const struct btf *btf, const char *name, uint32_t id)
{
	if (!types)
		return id + 1 < btf__type_cnt(btf) ? id + 1 : 0;
	return id ? types->next[id] : types->heads[bucket_of(name, strlen(name))];
}
