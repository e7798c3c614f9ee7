#include "engine/btf_needs.h"

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <string.h>

#include "check/btf_ext.h"
#include "check/flavor.h"
#include "util/cleanup.h"

#define NAMES_MAX 4096 /* different types, and members, that one object relocates against; the largest seen has 60 */

struct reader {
	struct iov_ctx *ctx;
	struct iov_btf_needs *needs;
};

void iov_btf_needs_release(struct iov_btf_needs *needs)
{
	btf__free(needs->object);
	btf_ext__free(needs->ext);
	free(needs->roots);
	free(needs->members);
	*needs = (struct iov_btf_needs){0};
}

bool iov_btf_is_namesake(const struct iov_btf_root *root, const char *name, uint16_t kind)
{
	return *name == *root->name && (kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind) == root->kind &&
	       !strncmp(name, root->name, root->len) && iov_essential_len(name) == root->len;
}

bool iov_btf_goes_through(const struct iov_btf_needs *needs, const char *member)
{
	for (size_t i = 0; i < needs->n_members; i++)
		if (!strcmp(needs->members[i], member))
			return true;
	return false;
}

static int add_root(const struct reader *reader, const char *name, const struct btf_type *type)
{
	struct iov_btf_needs *needs = reader->needs;
	uint16_t kind = btf_is_enum64(type) ? BTF_KIND_ENUM : btf_kind(type);
	for (size_t i = 0; i < needs->n_roots; i++)
		if (iov_btf_is_namesake(&needs->roots[i], name, kind))
			return IOV_OK;
	if (needs->n_roots == NAMES_MAX) {
		needs->whole = true;
		return IOV_OK;
	}
	struct iov_btf_root *roots = realloc(needs->roots, (needs->n_roots + 1) * sizeof(*roots));
	if (!roots)
		return iov_oom(reader->ctx);
	roots[needs->n_roots++] = (struct iov_btf_root){.name = name, .len = iov_essential_len(name), .kind = kind};
	needs->roots = roots;
	return IOV_OK;
}

static int add_member(const struct reader *reader, const char *name)
{
	struct iov_btf_needs *needs = reader->needs;
	if (!*name || iov_btf_goes_through(needs, name))
		return IOV_OK;
	if (needs->n_members == NAMES_MAX) {
		needs->whole = true;
		return IOV_OK;
	}
	const char **members = realloc(needs->members, (needs->n_members + 1) * sizeof(*members));
	if (!members)
		return iov_oom(reader->ctx);
	members[needs->n_members++] = name;
	needs->members = members;
	return IOV_OK;
}

enum need { NEEDS_MEMBERS, NEEDS_NAMESAKES, NEEDS_NAMESAKES_OF_COMPOSITES, NEEDS_NOTHING, NEEDS_ALL };

/* What each kind of relocation has to see of the kernel's types. Whether types match is a question that goes through
 * pointers. */
static const uint8_t needs_of[] = {
	[BPF_CORE_FIELD_BYTE_OFFSET] = NEEDS_MEMBERS,
	[BPF_CORE_FIELD_BYTE_SIZE] = NEEDS_MEMBERS,
	[BPF_CORE_FIELD_EXISTS] = NEEDS_MEMBERS,
	[BPF_CORE_FIELD_SIGNED] = NEEDS_MEMBERS,
	[BPF_CORE_FIELD_LSHIFT_U64] = NEEDS_MEMBERS,
	[BPF_CORE_FIELD_RSHIFT_U64] = NEEDS_MEMBERS,
	[BPF_CORE_TYPE_ID_LOCAL] = NEEDS_NOTHING,
	[BPF_CORE_TYPE_ID_TARGET] = NEEDS_ALL,
	[BPF_CORE_TYPE_EXISTS] = NEEDS_NAMESAKES_OF_COMPOSITES,
	[BPF_CORE_TYPE_SIZE] = NEEDS_NAMESAKES_OF_COMPOSITES,
	[BPF_CORE_ENUMVAL_EXISTS] = NEEDS_NAMESAKES,
	[BPF_CORE_ENUMVAL_VALUE] = NEEDS_NAMESAKES,
	[BPF_CORE_TYPE_MATCHES] = NEEDS_ALL,
};

/* Types whose existence is decided without a look through a pointer, or at a function's arguments. */
static bool is_composite(const struct btf *btf, uint32_t id)
{
	int bare = btf__resolve_type(btf, id); /* none for a type that is declared only */
	const struct btf_type *type = btf__type_by_id(btf, bare < 0 ? id : (uint32_t)bare);
	return type && (btf_is_composite(type) || btf_is_any_enum(type) || btf_is_int(type) || btf_is_fwd(type));
}

/* One step of the way to a field: the member or element `index` of the type *id. False: there is none. */
static bool step(const struct btf *btf, uint32_t *id, uint32_t index, const char **ret_name)
{
	int bare = btf__resolve_type(btf, *id);
	const struct btf_type *type = bare < 0 ? NULL : btf__type_by_id(btf, (uint32_t)bare);
	*ret_name = "";
	if (type && btf_is_array(type)) {
		*id = btf_array(type)->type;
		return true;
	}
	if (!type || !btf_is_composite(type) || index >= btf_vlen(type))
		return false;
	*id = btf_members(type)[index].type;
	*ret_name = btf__name_by_offset(btf, btf_members(type)[index].name_off);
	return *ret_name;
}

/* "0:3:1": the type itself, its member 3, and of that the member 1. */
static int take_way(const struct reader *reader, const struct bpf_core_relo *relocation)
{
	const struct btf *btf = reader->needs->object;
	const char *way = btf__name_by_offset(btf, relocation->access_str_off);
	uint32_t id = relocation->type_id;
	for (way = way ? strchr(way, ':') : NULL; way; way = strchr(way + 1, ':')) {
		const char *name = "";
		if (!step(btf, &id, (uint32_t)strtoul(way + 1, NULL, 10), &name)) {
			reader->needs->whole = true;
			return IOV_OK;
		}
		int rc = add_member(reader, name);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int take_relocation(void *data, const char *section, const void *record)
{
	const struct reader *reader = data;
	const struct bpf_core_relo *relocation = record;
	(void)section;
	const struct btf *btf = reader->needs->object;
	const struct btf_type *type = btf__type_by_id(btf, relocation->type_id);
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;
	uint8_t need = (uint32_t)relocation->kind < IOV_COUNT(needs_of) ? needs_of[relocation->kind] : NEEDS_ALL;
	if (need == NEEDS_NOTHING)
		return IOV_OK;
	if (!name || !*name || need == NEEDS_ALL ||
	    (need == NEEDS_NAMESAKES_OF_COMPOSITES && !is_composite(btf, relocation->type_id))) {
		reader->needs->whole = true;
		return IOV_OK;
	}
	int rc = add_root(reader, name, type);
	return rc || need != NEEDS_MEMBERS ? rc : take_way(reader, relocation);
}

static int take_relocations(struct reader *reader)
{
	int rc = iov_btf_ext_each(reader->needs->object, reader->needs->ext, IOV_BTF_EXT_RELOCATIONS, take_relocation,
				  reader);
	if (rc != IOV_BTF_EXT_DAMAGED)
		return rc;
	reader->needs->whole = true;
	return IOV_OK;
}

int iov_btf_needs_read(struct iov_ctx *ctx, const char *object, struct iov_btf_needs *ret)
{
	struct iov_btf_needs needs = {0};
	struct reader reader = {.ctx = ctx, .needs = &needs};
	needs.object = btf__parse(object, &needs.ext);
	int rc = needs.object && needs.ext ? take_relocations(&reader) : IOV_OK;
	if (rc)
		iov_btf_needs_release(&needs);
	else
		*ret = needs;
	return rc;
}
