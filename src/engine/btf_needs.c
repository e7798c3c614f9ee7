#include "engine/btf_needs.h"

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <string.h>

#include "util/cleanup.h"

#define NAMES_MAX 4096 /* different types, and members, that one object relocates against; the largest seen has 60 */

/* The start of .BTF.ext (linux: Documentation/bpf/btf.rst). */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_info_off, func_info_len, line_info_off, line_info_len, core_relo_off, core_relo_len;
};

struct ext_section {
	uint32_t name_off, count;
};

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

/* libbpf's rule, to the letter. */
static size_t essential_len(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = len >= 5 ? len - 4 : 0; i-- > 0;)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return len;
}

bool iov_btf_is_namesake(const struct iov_btf_root *root, const char *name, uint16_t kind)
{
	return *name == *root->name && (kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind) == root->kind &&
	       !strncmp(name, root->name, root->len) && essential_len(name) == root->len;
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
	roots[needs->n_roots++] = (struct iov_btf_root){.name = name, .len = essential_len(name), .kind = kind};
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

static int take_relocation(const struct reader *reader, const struct bpf_core_relo *relocation)
{
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

/* The records of one section of code; *at moves past them. */
static int take_section(const struct reader *reader, const unsigned char **at, const unsigned char *end,
			uint32_t record_size)
{
	const struct ext_section *section = (const void *)*at;
	size_t left = (size_t)(end - *at);
	if (left < sizeof(*section) || section->count > (left - sizeof(*section)) / record_size) {
		reader->needs->whole = true;
		*at = end;
		return IOV_OK;
	}
	*at += sizeof(*section);
	for (uint32_t i = 0; i < section->count; i++, *at += record_size) {
		int rc = take_relocation(reader, (const void *)*at);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int take_relocations(const struct reader *reader)
{
	uint32_t size = 0;
	const struct ext_header *header = btf_ext__raw_data(reader->needs->ext, &size);
	if (size < sizeof(*header) || header->hdr_len < sizeof(*header) || header->hdr_len > size ||
	    header->core_relo_len < sizeof(uint32_t))
		return IOV_OK;
	size_t from = (size_t)header->hdr_len + header->core_relo_off;
	if (from > size || header->core_relo_len > size - from)
		return IOV_OK;
	const unsigned char *at = (const unsigned char *)header + from, *end = at + header->core_relo_len;
	uint32_t record_size = *(const uint32_t *)at;
	reader->needs->whole = record_size < sizeof(struct bpf_core_relo) || record_size % sizeof(uint32_t);
	at += sizeof(uint32_t);
	while (at < end && !reader->needs->whole) {
		int rc = take_section(reader, &at, end, record_size);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

int iov_btf_needs_read(struct iov_ctx *ctx, const char *object, struct iov_btf_needs *ret)
{
	struct iov_btf_needs needs = {0};
	const struct reader reader = {.ctx = ctx, .needs = &needs};
	needs.object = btf__parse(object, &needs.ext);
	int rc = needs.object && needs.ext ? take_relocations(&reader) : IOV_OK;
	if (rc)
		iov_btf_needs_release(&needs);
	else
		*ret = needs;
	return rc;
}
