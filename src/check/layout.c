#include "check/layout.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/libbpf.h"

struct walk {
	struct iov_ctx *ctx;
	const struct btf *btf;
	unsigned depth;	  /* of the type being described */
	unsigned members; /* described so far */
	bool bad_name;	  /* met a name that is not C's */
};

/* Describes a type that names, typedefs and qualifiers have been taken off. */
typedef int (*describe_fn)(struct walk *walk, const struct btf_type *type, json_t **ret);

static int describe(struct walk *walk, uint32_t id, json_t **ret);

static bool is_word(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

static const char *name_of(struct walk *walk, uint32_t offset)
{
	const char *name = btf__name_by_offset(walk->btf, offset);
	if (name && is_word(name))
		return name;
	walk->bad_name = true;
	return "";
}

static int damaged(struct walk *walk, const char *what)
{
	return iov_error(walk->ctx, IOV_E_INPUT, "the type information (BTF) is damaged: %s; build the object again",
			 what);
}

static int count_members(struct walk *walk, unsigned more)
{
	walk->members += more;
	if (walk->members <= IOV_LAYOUT_MEMBERS)
		return IOV_OK;
	return iov_error(walk->ctx, IOV_E_INPUT,
			 "a map's type has more than the %d members that a contract may have; make it smaller",
			 IOV_LAYOUT_MEMBERS);
}

/* Hands `json` on; NULL, which jansson gives when memory is out, becomes that error. */
static int made(struct walk *walk, json_t *json, json_t **ret)
{
	if (!json)
		return iov_oom(walk->ctx);
	*ret = json;
	return IOV_OK;
}

static int describe_void(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	(void)type;
	return made(walk, json_string("void"), ret);
}

/* By sign and size: compilers spell the same integer in several ways. `char` and `bool` are types of their own in C. */
static int describe_int(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	uint8_t encoding = btf_int_encoding(type);
	if (encoding & BTF_INT_BOOL)
		return made(walk, json_string("bool"), ret);
	if (type->size == 1 && !strcmp(name_of(walk, type->name_off), "char"))
		return made(walk, json_string("char"), ret);
	return made(walk, json_sprintf("%c%u", encoding & BTF_INT_SIGNED ? 's' : 'u', type->size * 8), ret);
}

static int describe_float(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	return made(walk, json_sprintf("f%u", type->size * 8), ret);
}

static int describe_pointer(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	(void)type;
	return made(walk, json_string("pointer"), ret);
}

static int describe_array(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	const struct btf_array *array = btf_array(type);
	json_t *of = NULL;
	int rc = describe(walk, array->type, &of);
	if (rc)
		return rc;
	return made(walk, json_pack("{s:s, s:I, s:o}", "kind", "array", "count", (json_int_t)array->nelems, "of", of),
		    ret);
}

static int describe_member(struct walk *walk, const struct btf_type *type, uint32_t index, json_t **ret)
{
	const struct btf_member *member = btf_members(type) + index;
	const char *name = name_of(walk, member->name_off);
	uint32_t bits = btf_member_bitfield_size(type, index);
	json_t *of = NULL;
	int rc = describe(walk, member->type, &of);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:I, s:o}", "offset", (json_int_t)btf_member_bit_offset(type, index), "type", of);
	if (!json || (*name && json_object_set_new(json, "name", json_string(name))) ||
	    (bits && json_object_set_new(json, "bits", json_integer(bits))))
		return iov_oom(walk->ctx);
	*ret = iov_take(json);
	return IOV_OK;
}

/* The kernel gives members of these types a meaning, whatever they hold: bpf_spin_lock, bpf_timer. */
static bool is_special(const char *tag)
{
	return !strncmp(tag, "bpf_", 4);
}

static int describe_composite(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	const char *tag = name_of(walk, type->name_off);
	iov_auto(iov_json_release) json_t *members = json_array();
	int rc = members ? count_members(walk, btf_vlen(type)) : iov_oom(walk->ctx);
	for (uint32_t i = 0; !rc && i < btf_vlen(type); i++) {
		json_t *member = NULL;
		rc = describe_member(walk, type, i, &member);
		if (!rc && json_array_append_new(members, member))
			rc = iov_oom(walk->ctx);
	}
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:s, s:I, s:O}", "kind", btf_is_union(type) ? "union" : "struct", "size",
			  (json_int_t)type->size, "members", members);
	if (!json || (is_special(tag) && json_object_set_new(json, "name", json_string(tag))))
		return iov_oom(walk->ctx);
	*ret = iov_take(json);
	return IOV_OK;
}

/* Values are read as signed: the sign of an enum is not known in objects of clang before 15. */
static json_t *enum_value(const struct btf_type *type, uint32_t index)
{
	if (btf_is_enum(type))
		return json_integer(btf_enum(type)[index].val);
	return json_integer((json_int_t)btf_enum64_value(btf_enum64(type) + index));
}

static uint32_t enum_name(const struct btf_type *type, uint32_t index)
{
	return btf_is_enum(type) ? btf_enum(type)[index].name_off : btf_enum64(type)[index].name_off;
}

static int describe_enum(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	iov_auto(iov_json_release) json_t *values = json_object();
	int rc = values ? count_members(walk, btf_vlen(type)) : iov_oom(walk->ctx);
	for (uint32_t i = 0; !rc && i < btf_vlen(type); i++)
		if (json_object_set_new(values, name_of(walk, enum_name(type, i)), enum_value(type, i)))
			rc = iov_oom(walk->ctx);
	if (rc)
		return rc;
	return made(walk,
		    json_pack("{s:s, s:I, s:O}", "kind", "enum", "size", (json_int_t)type->size, "values", values),
		    ret);
}

static int describe_variable(struct walk *walk, const struct btf_var_secinfo *info, json_t **ret)
{
	const struct btf_type *variable = btf__type_by_id(walk->btf, info->type);
	if (!variable || !btf_is_var(variable))
		return damaged(walk, "a section of variables holds something else");
	json_t *of = NULL;
	int rc = describe(walk, variable->type, &of);
	if (rc)
		return rc;
	return made(walk,
		    json_pack("{s:s, s:I, s:o}", "name", name_of(walk, variable->name_off), "offset",
			      (json_int_t)info->offset * 8, "type", of),
		    ret);
}

/* Sorted by name, since the order of variables in BTF is the compiler's business and their offsets are told. */
static int insert_by_name(struct iov_ctx *ctx, json_t *members, json_t *member)
{
	const char *name = json_string_value(json_object_get(member, "name"));
	size_t at = json_array_size(members);
	while (at && strcmp(name, json_string_value(json_object_get(json_array_get(members, at - 1), "name"))) < 0)
		at--;
	return json_array_insert_new(members, at, member) ? iov_oom(ctx) : IOV_OK;
}

static int describe_section(struct walk *walk, const struct btf_type *type, json_t **ret)
{
	const struct btf_var_secinfo *infos = btf_var_secinfos(type);
	iov_auto(iov_json_release) json_t *members = json_array();
	int rc = members ? count_members(walk, btf_vlen(type)) : iov_oom(walk->ctx);
	for (uint32_t i = 0; !rc && i < btf_vlen(type); i++) {
		json_t *member = NULL;
		rc = describe_variable(walk, &infos[i], &member);
		if (!rc)
			rc = insert_by_name(walk->ctx, members, member);
	}
	if (rc)
		return rc;
	return made(walk,
		    json_pack("{s:s, s:I, s:O}", "kind", "section", "size", (json_int_t)type->size, "members", members),
		    ret);
}

static const describe_fn describers[] = {
	[BTF_KIND_UNKN] = describe_void,       [BTF_KIND_INT] = describe_int,
	[BTF_KIND_FLOAT] = describe_float,     [BTF_KIND_PTR] = describe_pointer,
	[BTF_KIND_ARRAY] = describe_array,     [BTF_KIND_STRUCT] = describe_composite,
	[BTF_KIND_UNION] = describe_composite, [BTF_KIND_ENUM] = describe_enum,
	[BTF_KIND_ENUM64] = describe_enum,     [BTF_KIND_DATASEC] = describe_section,
};

static bool is_wrapper(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_typedef(type);
}

/* The type without typedefs, qualifiers and tags; NULL when that never ends or leads nowhere. */
static const struct btf_type *bare_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	for (unsigned steps = 0; type && is_wrapper(type); steps++)
		type = steps < 32 ? btf__type_by_id(btf, type->type) : NULL;
	return type;
}

static int describe(struct walk *walk, uint32_t id, json_t **ret)
{
	const struct btf_type *type = bare_type(walk->btf, id);
	if (!type)
		return damaged(walk, "a type refers to one that does not exist");
	describe_fn how = btf_kind(type) < IOV_COUNT(describers) ? describers[btf_kind(type)] : NULL;
	if (!how)
		return damaged(walk, "a map holds something that has no size");
	if (walk->depth == IOV_LAYOUT_DEPTH && (btf_is_composite(type) || btf_is_array(type)))
		return iov_error(
			walk->ctx, IOV_E_INPUT,
			"a map's type nests deeper than the %d levels that a contract may have; make it flatter",
			IOV_LAYOUT_DEPTH);
	walk->depth++;
	int rc = how(walk, type, ret);
	walk->depth--;
	return rc;
}

int iov_check_layout(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, json_t **ret)
{
	iov_libbpf_quiet();
	struct walk walk = {.ctx = ctx, .btf = btf};
	iov_auto(iov_json_release) json_t *layout = NULL;
	int rc = describe(&walk, type_id, &layout);
	if (!rc && walk.bad_name)
		rc = damaged(&walk, "a name in it is no name in C");
	if (!rc)
		*ret = iov_take(layout);
	return rc;
}
