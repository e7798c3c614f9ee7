#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "check/flavor.h"
#include "check/needs.h"
#include "check/signature.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define DEPTH 64 /* steps of one access; a type that holds itself by value does not exist */

enum shape { FIELD, TYPE, ENUMERATOR, NOTHING };

/* libbpf's words for the kinds, and what each looks at. */
static const struct {
	const char *name;
	enum shape shape;
} relocations[] = {
	[BPF_CORE_FIELD_BYTE_OFFSET] = {"byte_off", FIELD},
	[BPF_CORE_FIELD_BYTE_SIZE] = {"byte_sz", FIELD},
	[BPF_CORE_FIELD_EXISTS] = {"field_exists", FIELD},
	[BPF_CORE_FIELD_SIGNED] = {"signed", FIELD},
	[BPF_CORE_FIELD_LSHIFT_U64] = {"lshift_u64", FIELD},
	[BPF_CORE_FIELD_RSHIFT_U64] = {"rshift_u64", FIELD},
	[BPF_CORE_TYPE_ID_LOCAL] = {"local_type_id", NOTHING},
	[BPF_CORE_TYPE_ID_TARGET] = {"target_type_id", TYPE},
	[BPF_CORE_TYPE_EXISTS] = {"type_exists", TYPE},
	[BPF_CORE_TYPE_SIZE] = {"type_size", TYPE},
	[BPF_CORE_ENUMVAL_EXISTS] = {"enumval_exists", ENUMERATOR},
	[BPF_CORE_ENUMVAL_VALUE] = {"enumval_value", ENUMERATOR},
	[BPF_CORE_TYPE_MATCHES] = {"type_matches", TYPE},
};

/* Kinds as types are asked for, and as the types of fields are compared. */
static const struct {
	const char *word, *leaf;
} kinds[] = {
	[BTF_KIND_INT] = {"int", "int"},
	[BTF_KIND_PTR] = {NULL, "pointer"},
	[BTF_KIND_STRUCT] = {"struct", "composite"},
	[BTF_KIND_UNION] = {"union", "composite"},
	[BTF_KIND_ENUM] = {"enum", "enum"},
	[BTF_KIND_ENUM64] = {"enum", "enum"},
	[BTF_KIND_FWD] = {"declared", "declared"},
	[BTF_KIND_TYPEDEF] = {"typedef", NULL},
	[BTF_KIND_FLOAT] = {"float", "float"},
};

const char *iov_kind_word(uint32_t kind)
{
	return kind < IOV_COUNT(kinds) ? kinds[kind].word : NULL;
}

const char *iov_leaf_word(uint32_t kind)
{
	return kind < IOV_COUNT(kinds) && kinds[kind].leaf ? kinds[kind].leaf : "other";
}

static const struct btf_type *bare_type(const struct btf *btf, uint32_t *id)
{
	int bare = btf__resolve_type(btf, *id);
	if (bare < 0)
		return NULL;
	*id = (uint32_t)bare;
	return btf__type_by_id(btf, *id);
}

/* "struct task_struct", without flavor. */
static json_t *type_name(const struct btf *btf, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(btf, type->name_off), *word = iov_kind_word(btf_kind(type));
	return json_sprintf("%s %.*s", word ? word : "type", (int)iov_essential_len(name), name);
}

/* What a field is, as far as libbpf compares it: "int", "pointer", "composite", "enum pid_type"; "[]" before the
 * element of an array. */
static void put_leaf(const struct btf *btf, uint32_t id, struct iov_buf *text)
{
	const struct btf_type *type = bare_type(btf, &id);
	for (int depth = 0; type && btf_is_array(type) && depth < DEPTH; depth++) {
		iov_buf_puts(text, "[]");
		id = btf_array(type)->type;
		type = bare_type(btf, &id);
	}
	iov_buf_puts(text, type ? iov_leaf_word(btf_kind(type)) : "void");
	if (!type || !(btf_is_any_enum(type) || btf_is_fwd(type)))
		return;
	const char *name = btf__name_by_offset(btf, type->name_off);
	iov_buf_printf(text, " %.*s", (int)iov_essential_len(name), name);
}

/* One step of the access: appends ".member", "[3]" or nothing. False: the object's type has no such place. */
static bool put_step(const struct btf *btf, uint32_t *id, uint32_t index, struct iov_buf *path)
{
	const struct btf_type *type = bare_type(btf, id);
	if (type && btf_is_array(type)) {
		iov_buf_printf(path, "[%u]", index);
		*id = btf_array(type)->type;
		return true;
	}
	if (!type || !btf_is_composite(type) || index >= btf_vlen(type))
		return false;
	const struct btf_member *member = &btf_members(type)[index];
	const char *name = btf__name_by_offset(btf, member->name_off);
	if (name && *name)
		iov_buf_printf(path, "%s%s", path->len ? "." : "", name);
	*id = member->type;
	return true;
}

/* "0:3:1": the type itself, its member 3, and of that the member 1. */
static bool put_path(const struct btf *btf, uint32_t id, const char *way, struct iov_buf *path, struct iov_buf *leaf,
		     uint32_t *ret_leaf)
{
	uint32_t start = (uint32_t)strtoul(way, NULL, 10);
	if (start)
		iov_buf_printf(path, "[%u]", start);
	int depth = 0;
	for (way = strchr(way, ':'); way && depth < DEPTH; way = strchr(way + 1, ':'), depth++)
		if (!put_step(btf, &id, (uint32_t)strtoul(way + 1, NULL, 10), path))
			return false;
	put_leaf(btf, id, leaf);
	*ret_leaf = id;
	return !way;
}

static const char *enumerator(const struct btf *btf, uint32_t id, const char *way)
{
	const struct btf_type *type = bare_type(btf, &id);
	uint32_t index = (uint32_t)strtoul(way, NULL, 10);
	if (!type || !btf_is_any_enum(type) || index >= btf_vlen(type))
		return NULL;
	return btf__name_by_offset(btf, btf_is_enum(type) ? btf_enum(type)[index].name_off
							  : btf_enum64(type)[index].name_off);
}

/* Such an instruction loads or stores as many bytes as the kernel's field has, where that is sound. */
static void put_size(const struct btf *btf, uint32_t id, const struct bpf_insn *insn, json_t *json)
{
	uint8_t class = BPF_CLASS(insn->code);
	const struct btf_type *type = bare_type(btf, &id);
	int64_t size = type ? btf__resolve_size(btf, id) : -1;
	if ((class != BPF_LDX && class != BPF_STX && class != BPF_ST) || size < 0)
		return;
	json_object_set_new(json, "bytes", json_integer(size));
	if (btf_is_int(type) && btf_int_encoding(type) == BTF_INT_SIGNED)
		json_object_set_new(json, "signed", json_true());
}

/* A name for another type has to stand for the same kind of type in the kernel. */
static void put_meaning(const struct btf *btf, uint32_t id, json_t *json)
{
	if (!btf_is_typedef(btf__type_by_id(btf, id)))
		return;
	iov_auto(iov_free_ptr) char *signature = iov_signature(btf, id);
	json_object_set_new(json, "is", json_string(signature));
}

static json_t *describe(const struct btf *btf, const struct bpf_core_relo *relocation, const struct btf_type *type,
			const char *way, const struct bpf_insn *insn)
{
	uint32_t last = 0;
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_auto(iov_buf_release) struct iov_buf leaf = {0};
	json_t *json =
		json_pack("{s:s, s:o}", "relocation", relocations[relocation->kind].name, "type", type_name(btf, type));
	if (relocations[relocation->kind].shape == ENUMERATOR)
		json_object_set_new(json, "enumerator", json_string(enumerator(btf, relocation->type_id, way)));
	if (relocations[relocation->kind].shape == TYPE)
		put_meaning(btf, relocation->type_id, json);
	if (relocations[relocation->kind].shape != FIELD)
		return json;
	if (put_path(btf, relocation->type_id, way, &path, &leaf, &last) && !iov_buf_failed(&leaf)) {
		json_object_set_new(json, "field", json_string(path.data ? path.data : ""));
		json_object_set_new(json, "is", json_string(leaf.data));
		if (relocation->kind == BPF_CORE_FIELD_BYTE_OFFSET)
			put_size(btf, last, insn, json);
	}
	return json;
}

int iov_need_of_relocation(struct iov_ctx *ctx, const struct btf *btf, const struct bpf_core_relo *relocation,
			   const struct bpf_insn *insn, json_t **ret)
{
	const struct btf_type *type = btf__type_by_id(btf, relocation->type_id);
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;
	const char *way = btf__name_by_offset(btf, relocation->access_str_off);
	bool known = (uint32_t)relocation->kind < IOV_COUNT(relocations);
	*ret = NULL;
	if (known && relocations[relocation->kind].shape == NOTHING)
		return IOV_OK;
	if (!known || !name || !*name || !way)
		return iov_error(ctx, IOV_E_INPUT,
				 "a CO-RE relocation of kind %u is of a sort that this iovpkg does not know, or of a "
				 "type without name; build the object with a clang and libbpf of the time of iovpkg",
				 (unsigned)relocation->kind);
	*ret = describe(btf, relocation, type, way, insn);
	return *ret ? IOV_OK : iov_oom(ctx);
}
