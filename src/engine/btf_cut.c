#include "engine/btf_cut.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "util/cleanup.h"

#define ROOTS_MAX 4096 /* different types that one object relocates against; the largest seen has 60 */

/* The start of .BTF.ext (linux: Documentation/bpf/btf.rst). */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_info_off, func_info_len, line_info_off, line_info_len, core_relo_off, core_relo_len;
};

struct ext_section {
	uint32_t name_off, count;
};

/* A type of the object that relocations refer to. */
struct root {
	const char *name;
	size_t len;    /* without "___flavor" */
	uint16_t kind; /* libbpf takes no other; enums of 32 and 64 bits are one */
	bool found;    /* the kernel has one of this name */
};

struct iov_btf_cutter {
	struct iov_ctx *ctx;
	struct btf *object, *kernel, *part;
	struct btf_ext *ext;
	struct root *roots;
	size_t n_roots;
	bool unfit;	 /* a relocation of a kind that needs more */
	uint32_t *ids;	 /* of the kernel's types: their id in the part, 0: not in it */
	uint32_t *order; /* the kernel's ids, as they were taken in */
	uint32_t n_order;
};

void iov_btf_cutter_free(struct iov_btf_cutter *cutter)
{
	if (!cutter)
		return;
	btf__free(cutter->object);
	btf__free(cutter->kernel);
	btf__free(cutter->part);
	btf_ext__free(cutter->ext);
	free(cutter->roots);
	free(cutter->ids);
	free(cutter->order);
	free(cutter);
}

static void free_cutter(struct iov_btf_cutter **cutter)
{
	iov_btf_cutter_free(*cutter);
}

/* "task_struct___old" is a flavor of task_struct; libbpf's rule, to the letter. */
static size_t essential_len(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = len >= 5 ? len - 4 : 0; i-- > 0;)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return len;
}

static uint16_t kind_of(const struct btf_type *type)
{
	return btf_is_enum64(type) ? BTF_KIND_ENUM : btf_kind(type);
}

static int add_root(struct iov_btf_cutter *cutter, const char *name, uint16_t kind)
{
	size_t len = essential_len(name);
	for (size_t i = 0; i < cutter->n_roots; i++)
		if (cutter->roots[i].len == len && cutter->roots[i].kind == kind &&
		    !memcmp(cutter->roots[i].name, name, len))
			return IOV_OK;
	if (cutter->n_roots == ROOTS_MAX) {
		cutter->unfit = true;
		return IOV_OK;
	}
	struct root *roots = realloc(cutter->roots, (cutter->n_roots + 1) * sizeof(*roots));
	if (!roots)
		return iov_oom(cutter->ctx);
	roots[cutter->n_roots++] = (struct root){.name = name, .len = len, .kind = kind};
	cutter->roots = roots;
	return IOV_OK;
}

enum need { NEEDS_NAMESAKES, NEEDS_NAMESAKES_OF_COMPOSITES, NEEDS_NOTHING, NEEDS_ALL };

/* What each kind of relocation has to see of the kernel's types. Whether types match is a question that goes through
 * pointers. */
static const uint8_t needs[] = {
	[BPF_CORE_FIELD_BYTE_OFFSET] = NEEDS_NAMESAKES,
	[BPF_CORE_FIELD_BYTE_SIZE] = NEEDS_NAMESAKES,
	[BPF_CORE_FIELD_EXISTS] = NEEDS_NAMESAKES,
	[BPF_CORE_FIELD_SIGNED] = NEEDS_NAMESAKES,
	[BPF_CORE_FIELD_LSHIFT_U64] = NEEDS_NAMESAKES,
	[BPF_CORE_FIELD_RSHIFT_U64] = NEEDS_NAMESAKES,
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

static int take_relocation(struct iov_btf_cutter *cutter, const struct bpf_core_relo *relocation)
{
	const struct btf_type *type = btf__type_by_id(cutter->object, relocation->type_id);
	const char *name = type ? btf__name_by_offset(cutter->object, type->name_off) : NULL;
	uint8_t need = (uint32_t)relocation->kind < IOV_COUNT(needs) ? needs[relocation->kind] : NEEDS_ALL;
	if (need == NEEDS_NOTHING)
		return IOV_OK;
	if (!name || !*name || need == NEEDS_ALL ||
	    (need == NEEDS_NAMESAKES_OF_COMPOSITES && !is_composite(cutter->object, relocation->type_id))) {
		cutter->unfit = true;
		return IOV_OK;
	}
	return add_root(cutter, name, kind_of(type));
}

/* The records of one section of code; *at moves past them. False: they do not lie within the data. */
static int take_section(struct iov_btf_cutter *cutter, const unsigned char **at, const unsigned char *end,
			uint32_t record_size)
{
	const struct ext_section *section = (const void *)*at;
	size_t left = (size_t)(end - *at);
	if (left < sizeof(*section) || section->count > (left - sizeof(*section)) / record_size) {
		cutter->unfit = true;
		*at = end;
		return IOV_OK;
	}
	*at += sizeof(*section);
	for (uint32_t i = 0; i < section->count; i++, *at += record_size) {
		int rc = take_relocation(cutter, (const void *)*at);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* The roots of the object's relocations. A file that makes no sense is left to libbpf's own words. */
static int take_relocations(struct iov_btf_cutter *cutter)
{
	uint32_t size = 0;
	const struct ext_header *header = btf_ext__raw_data(cutter->ext, &size);
	if (size < sizeof(*header) || header->hdr_len < sizeof(*header) || header->hdr_len > size ||
	    header->core_relo_len < sizeof(uint32_t))
		return IOV_OK;
	size_t from = (size_t)header->hdr_len + header->core_relo_off;
	if (from > size || header->core_relo_len > size - from)
		return IOV_OK;
	const unsigned char *at = (const unsigned char *)header + from, *end = at + header->core_relo_len;
	uint32_t record_size = *(const uint32_t *)at;
	cutter->unfit = record_size < sizeof(struct bpf_core_relo) || record_size % sizeof(uint32_t);
	at += sizeof(uint32_t);
	while (at < end && !cutter->unfit) {
		int rc = take_section(cutter, &at, end, record_size);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* Takes a type of the kernel in, once; what it holds follows when its turn comes. */
static void take_in(struct iov_btf_cutter *cutter, uint32_t id)
{
	if (!id || cutter->ids[id])
		return;
	cutter->order[cutter->n_order++] = id;
	cutter->ids[id] = cutter->n_order; /* ids of BTF begin at 1 */
}

static bool is_dropped(const struct btf_type *type)
{
	return btf_is_func_proto(type) || btf_is_func(type) || btf_is_var(type) || btf_is_datasec(type) ||
	       btf_is_decl_tag(type);
}

static void take_in_by_value(struct iov_btf_cutter *cutter, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(cutter->kernel, id);
	if (type && !is_dropped(type))
		take_in(cutter, id);
}

static void follow(struct iov_btf_cutter *cutter, const struct btf_type *type)
{
	if (btf_is_mod(type) || btf_is_typedef(type))
		take_in_by_value(cutter, type->type);
	if (btf_is_array(type)) {
		take_in_by_value(cutter, btf_array(type)->type);
		take_in_by_value(cutter, btf_array(type)->index_type);
	}
	for (uint32_t i = 0; btf_is_composite(type) && i < btf_vlen(type); i++)
		take_in_by_value(cutter, btf_members(type)[i].type);
}

static bool is_namesake(const struct root *root, const char *name, uint16_t kind)
{
	return *name == *root->name && kind == root->kind && !strncmp(name, root->name, root->len) &&
	       essential_len(name) == root->len;
}

static void take_in_namesakes(struct iov_btf_cutter *cutter)
{
	uint32_t count = btf__type_cnt(cutter->kernel);
	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(cutter->kernel, id);
		const char *name = btf__name_by_offset(cutter->kernel, type->name_off);
		for (size_t i = 0; name && *name && !is_dropped(type) && i < cutter->n_roots; i++) {
			if (!is_namesake(&cutter->roots[i], name, kind_of(type)))
				continue;
			cutter->roots[i].found = true;
			take_in(cutter, id);
		}
	}
	for (uint32_t i = 0; i < cutter->n_order; i++)
		follow(cutter, btf__type_by_id(cutter->kernel, cutter->order[i]));
}

/* The copy refers to types by the kernel's ids still. */
static void renumber(const struct iov_btf_cutter *cutter, struct btf_type *type)
{
	if (btf_is_ptr(type))
		type->type = 0;
	else if (btf_is_mod(type) || btf_is_typedef(type))
		type->type = cutter->ids[type->type];
	if (btf_is_array(type)) {
		btf_array(type)->type = cutter->ids[btf_array(type)->type];
		btf_array(type)->index_type = cutter->ids[btf_array(type)->index_type];
	}
	for (uint32_t i = 0; btf_is_composite(type) && i < btf_vlen(type); i++)
		btf_members(type)[i].type = cutter->ids[btf_members(type)[i].type];
}

static int copy_types(struct iov_btf_cutter *cutter)
{
	cutter->part = btf__new_empty();
	if (!cutter->part)
		return iov_oom(cutter->ctx);
	for (uint32_t i = 0; i < cutter->n_order; i++) {
		int id = btf__add_type(cutter->part, cutter->kernel, btf__type_by_id(cutter->kernel, cutter->order[i]));
		if (id < 0)
			return iov_error_errno(cutter->ctx, id, "cannot copy a type of the kernel");
		renumber(cutter, (struct btf_type *)btf__type_by_id(cutter->part, (uint32_t)id));
	}
	return IOV_OK;
}

static int cut_kernel(struct iov_btf_cutter *cutter)
{
	cutter->kernel = btf__load_vmlinux_btf();
	if (!cutter->kernel)
		return iov_error_errno(cutter->ctx, errno, "cannot read the kernel's type information");
	uint32_t count = btf__type_cnt(cutter->kernel);
	cutter->ids = calloc(count, sizeof(*cutter->ids));
	cutter->order = calloc(count, sizeof(*cutter->order));
	if (!cutter->ids || !cutter->order)
		return iov_oom(cutter->ctx);
	take_in_namesakes(cutter);
	return copy_types(cutter);
}

int iov_btf_cutter_new(struct iov_ctx *ctx, const char *object, struct iov_btf_cutter **ret)
{
	iov_auto(free_cutter) struct iov_btf_cutter *cutter = calloc(1, sizeof(*cutter));
	if (!cutter)
		return iov_oom(ctx);
	cutter->ctx = ctx;
	cutter->object = btf__parse(object, &cutter->ext);
	int rc = cutter->object && cutter->ext ? take_relocations(cutter) : IOV_OK;
	if (!rc)
		*ret = cutter->n_roots && !cutter->unfit ? iov_take(cutter) : NULL;
	return rc;
}

int iov_btf_cut(struct iov_btf_cutter *cutter, const struct btf **ret, bool *ret_missing)
{
	bool missing = false;
	int rc = cut_kernel(cutter);
	if (rc)
		return rc;
	for (size_t i = 0; i < cutter->n_roots; i++)
		missing = missing || !cutter->roots[i].found;
	*ret = cutter->part;
	*ret_missing = missing;
	return IOV_OK;
}
