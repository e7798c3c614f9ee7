#include "engine/btf_cut.h"

#include <bpf/btf.h>
#include <string.h>

#include "util/cleanup.h"

struct cut {
	struct iov_ctx *ctx;
	const struct iov_btf_needs *needs;
	const struct btf *kernel;
	struct btf *part;
	uint32_t *ids;	 /* of the kernel's types: their id in the part, 0: not in it */
	uint32_t *order; /* the kernel's ids, as they were taken in */
	uint32_t n_order;
};

static void release(struct cut *cut)
{
	btf__free(cut->part);
	free(cut->ids);
	free(cut->order);
}

static bool is_dropped(const struct btf_type *type)
{
	return btf_is_func_proto(type) || btf_is_func(type) || btf_is_var(type) || btf_is_datasec(type) ||
	       btf_is_decl_tag(type);
}

/* Takes a type of the kernel in, once; what it holds follows when its turn comes. */
static void take_in(struct cut *cut, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(cut->kernel, id);
	if (!id || !type || is_dropped(type) || cut->ids[id])
		return;
	cut->order[cut->n_order++] = id;
	cut->ids[id] = cut->n_order; /* ids of BTF begin at 1 */
}

static const char *member_name(const struct cut *cut, const struct btf_type *type, uint32_t i)
{
	const char *name = btf__name_by_offset(cut->kernel, btf_members(type)[i].name_off);
	return name ? name : "";
}

static bool is_followed(const struct cut *cut, const struct btf_type *type, uint32_t i)
{
	const char *name = member_name(cut, type, i);
	return !*name || iov_btf_goes_through(cut->needs, name);
}

static void follow(struct cut *cut, const struct btf_type *type)
{
	if (btf_is_mod(type) || btf_is_typedef(type))
		take_in(cut, type->type);
	if (btf_is_array(type)) {
		take_in(cut, btf_array(type)->type);
		take_in(cut, btf_array(type)->index_type);
	}
	for (uint32_t i = 0; btf_is_composite(type) && i < btf_vlen(type); i++)
		if (is_followed(cut, type, i))
			take_in(cut, btf_members(type)[i].type);
}

static bool take_in_namesakes(struct cut *cut, const struct iov_btf_root *root)
{
	bool found = false;
	uint32_t count = btf__type_cnt(cut->kernel);
	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(cut->kernel, id);
		const char *name = btf__name_by_offset(cut->kernel, type->name_off);
		if (!name || is_dropped(type) || !iov_btf_is_namesake(root, name, btf_kind(type)))
			continue;
		take_in(cut, id);
		found = true;
	}
	return found;
}

/* The last member stays, by name only: libbpf takes an array there for one of any length. */
static int add_members(struct cut *cut, const struct btf_type *type)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		bool followed = is_followed(cut, type, i);
		if (!followed && i + 1 < btf_vlen(type))
			continue;
		uint32_t id = followed ? cut->ids[btf_members(type)[i].type] : 0;
		int err = btf__add_field(cut->part, member_name(cut, type, i), (int)id, btf_member_bit_offset(type, i),
					 btf_member_bitfield_size(type, i));
		if (err)
			return err;
	}
	return 0;
}

static int add_composite(struct cut *cut, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(cut->kernel, type->name_off);
	int id = btf_is_struct(type) ? btf__add_struct(cut->part, name, type->size)
				     : btf__add_union(cut->part, name, type->size);
	return id < 0 ? id : add_members(cut, type);
}

/* The copy refers to types by the kernel's ids still. */
static int add_copy(struct cut *cut, const struct btf_type *original)
{
	int id = btf__add_type(cut->part, cut->kernel, original);
	if (id < 0)
		return id;
	struct btf_type *type = (struct btf_type *)btf__type_by_id(cut->part, (uint32_t)id);
	if (btf_is_ptr(type))
		type->type = 0;
	else if (btf_is_mod(type) || btf_is_typedef(type))
		type->type = cut->ids[type->type];
	if (btf_is_array(type)) {
		btf_array(type)->type = cut->ids[btf_array(type)->type];
		btf_array(type)->index_type = cut->ids[btf_array(type)->index_type];
	}
	return 0;
}

static int copy_types(struct cut *cut)
{
	cut->part = btf__new_empty();
	if (!cut->part)
		return iov_oom(cut->ctx);
	for (uint32_t i = 0; i < cut->n_order; i++) {
		const struct btf_type *type = btf__type_by_id(cut->kernel, cut->order[i]);
		int err = btf_is_composite(type) ? add_composite(cut, type) : add_copy(cut, type);
		if (err)
			return iov_error_errno(cut->ctx, err, "cannot copy a type of the kernel");
	}
	return IOV_OK;
}

int iov_btf_cut(struct iov_ctx *ctx, const struct iov_btf_needs *needs, const struct btf *kernel, struct btf **ret,
		bool *ret_missing)
{
	uint32_t count = btf__type_cnt(kernel);
	iov_auto(release) struct cut cut = {.ctx = ctx,
					    .needs = needs,
					    .kernel = kernel,
					    .ids = calloc(count, sizeof(*cut.ids)),
					    .order = calloc(count, sizeof(*cut.order))};
	if (!cut.ids || !cut.order)
		return iov_oom(ctx);
	bool missing = false;
	for (size_t i = 0; i < needs->n_roots; i++)
		missing |= !take_in_namesakes(&cut, &needs->roots[i]);
	for (uint32_t i = 0; i < cut.n_order; i++)
		follow(&cut, btf__type_by_id(kernel, cut.order[i]));
	int rc = copy_types(&cut);
	if (rc)
		return rc;
	*ret = iov_take(cut.part);
	*ret_missing = missing;
	return IOV_OK;
}
