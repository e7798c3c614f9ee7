#include "check/core_lookup.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "check/flavor.h"
#include "check/needs.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define DEPTH 32 /* anonymous members within each other, and elements of arrays */

struct place {
	uint32_t type;
	uint64_t bits; /* from the start */
};

static const struct btf_type *bare_type(const struct btf *btf, uint32_t *id)
{
	int bare = btf__resolve_type(btf, *id);
	if (bare < 0)
		return NULL;
	*id = (uint32_t)bare;
	return btf__type_by_id(btf, *id);
}

static uint64_t offset_of(const struct btf_type *type, unsigned index)
{
	return btf_member_bit_offset(type, index);
}

/* The member of that name, also within members without one. */
static bool find_member(const struct btf *btf, struct place from, const char *name, size_t len, int depth,
			struct place *ret)
{
	const struct btf_type *type = bare_type(btf, &from.type);
	for (unsigned i = 0; type && btf_is_composite(type) && depth && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *found = btf__name_by_offset(btf, member->name_off);
		struct place to = {member->type, from.bits + offset_of(type, i)};
		if (!*found && find_member(btf, to, name, len, depth - 1, ret))
			return true;
		if (strlen(found) != len || strncmp(found, name, len) != 0)
			continue;
		*ret = to;
		return true;
	}
	return false;
}

/* An array that ends its struct may have more elements than it says. */
static bool find_element(const struct btf *btf, struct place *at, uint32_t index)
{
	const struct btf_type *type = bare_type(btf, &at->type);
	if (!type || !btf_is_array(type))
		return false;
	const struct btf_array *array = btf_array(type);
	int64_t size = btf__resolve_size(btf, array->type);
	if (size < 0 || (array->nelems && index >= array->nelems))
		return false;
	*at = (struct place){array->type, at->bits + 8 * (uint64_t)size * index};
	return true;
}

/* "numbers[0].nr" */
static bool find_field(const struct btf *btf, struct place *at, const char *field)
{
	if (*field == '[') /* the type is itself the element of an array */
		field += strcspn(field, "]") + (strchr(field, ']') != NULL);
	while (*field) {
		if (*field == '[') {
			if (!find_element(btf, at, (uint32_t)strtoul(field + 1, NULL, 10)))
				return false;
			field += strcspn(field, "]") + (strchr(field, ']') != NULL);
			continue;
		}
		field += *field == '.';
		size_t len = strcspn(field, ".[");
		if (!len || !find_member(btf, *at, field, len, DEPTH, at))
			return false;
		field += len;
	}
	return true;
}

/* Is the field of the kind that the object knows? "int", "[]enum pid_type". */
static bool is_kind(const struct btf *btf, uint32_t id, const char *is)
{
	const struct btf_type *type = bare_type(btf, &id);
	for (; !strncmp(is, "[]", 2); is += 2) {
		if (!type || !btf_is_array(type))
			return false;
		id = btf_array(type)->type;
		type = bare_type(btf, &id);
	}
	const char *word = type ? iov_leaf_word(btf_kind(type)) : "void", *space = strchr(is, ' ');
	size_t len = space ? (size_t)(space - is) : strlen(is);
	if (strlen(word) != len || strncmp(word, is, len) != 0)
		return false;
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : "";
	if (!space || !space[1] || !*name)
		return true;
	return iov_essential_len(name) == strlen(space + 1) && !strncmp(name, space + 1, strlen(space + 1));
}

static bool has_enumerator(const struct btf *btf, const struct btf_type *type, const char *name, uint64_t *ret)
{
	for (unsigned i = 0; btf_is_any_enum(type) && i < btf_vlen(type); i++) {
		bool wide = btf_is_enum64(type);
		const char *found =
			btf__name_by_offset(btf, wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off);
		if (iov_essential_len(found) != strlen(name) || strncmp(found, name, strlen(name)) != 0)
			continue;
		*ret = wide ? btf_enum64_value(&btf_enum64(type)[i]) : (uint64_t)btf_enum(type)[i].val;
		return true;
	}
	return false;
}

/* Does this type have what the need looks for? *ret: where, or which number; it must be the same in all candidates. */
static bool has(const struct btf *btf, uint32_t id, const json_t *need, uint64_t *ret)
{
	const char *field = json_string_value(json_object_get(need, "field")),
		   *is = json_string_value(json_object_get(need, "is")),
		   *enumerator = json_string_value(json_object_get(need, "enumerator"));
	struct place place = {.type = id};
	*ret = 0;
	if (enumerator) {
		const struct btf_type *type = bare_type(btf, &id);
		return type && has_enumerator(btf, type, enumerator, ret);
	}
	if (!field || !is)
		return true;
	if (!find_field(btf, &place, field) || !is_kind(btf, place.type, is))
		return false;
	*ret = place.bits;
	return true;
}

static bool is_candidate(const struct btf *btf, const struct btf_type *type, const char *wanted)
{
	const char *word = iov_kind_word(btf_kind(type)), *name = btf__name_by_offset(btf, type->name_off);
	size_t len = word && !btf_is_fwd(type) ? strlen(word) : 0;
	if (!len || strncmp(wanted, word, len) != 0 || wanted[len] != ' ')
		return false;
	wanted += len + 1;
	return *name == *wanted && iov_essential_len(name) == strlen(wanted) && !strncmp(name, wanted, strlen(wanted));
}

enum iov_lookup iov_core_lookup(const struct btf *btf, const struct iov_core_types *types, const json_t *need)
{
	const char *wanted = json_string_value(json_object_get(need, "type")), *space = strchr(wanted, ' ');
	enum iov_lookup result = IOV_LOOKUP_NO_TYPE;
	uint64_t first = 0;
	uint32_t id = 0;
	while (space && (id = iov_core_types_next(types, btf, space + 1, id))) {
		uint64_t where = 0;
		if (!is_candidate(btf, btf__type_by_id(btf, id), wanted))
			continue;
		if (!has(btf, id, need, &where))
			result = result == IOV_LOOKUP_NO_TYPE ? IOV_LOOKUP_NO_MEMBER : result;
		else if (result == IOV_LOOKUP_FOUND && where != first)
			return IOV_LOOKUP_SEVERAL;
		else {
			result = IOV_LOOKUP_FOUND;
			first = where;
		}
	}
	return result;
}
