#include "check/core_lookup.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "check/flavor.h"
#include "check/needs.h"
#include "check/signature.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define DEPTH 32 /* anonymous members within each other, and elements of arrays */

struct place {
	uint32_t type;
	uint64_t bits; /* from the start */
	bool last;     /* the last member of its struct */
};

/* What a relocation writes into the instruction, as far as it must be the same in all candidates. */
struct result {
	uint64_t where, size;
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
		struct place to = {member->type, from.bits + offset_of(type, i), i + 1u == btf_vlen(type)};
		if (!*found && find_member(btf, to, name, len, depth - 1, ret))
			return true;
		if (strlen(found) != len || strncmp(found, name, len) != 0)
			continue;
		*ret = to;
		return true;
	}
	return false;
}

/* An array without elements that ends its struct may have any number. */
static bool find_element(const struct btf *btf, struct place *at, uint32_t index)
{
	const struct btf_type *type = bare_type(btf, &at->type);
	if (!type || !btf_is_array(type))
		return false;
	const struct btf_array *array = btf_array(type);
	int64_t size = btf__resolve_size(btf, array->type);
	if (size < 0 || (index >= array->nelems && (array->nelems || !at->last)))
		return false;
	*at = (struct place){.type = array->type, .bits = at->bits + 8 * (uint64_t)size * index};
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

/* May the instruction be made to load a field of this size? Of pointers, and of numbers without sign. */
static bool may_load(const struct btf *btf, uint32_t id, const json_t *need, int64_t size)
{
	json_t *bytes = json_object_get(need, "bytes");
	const struct btf_type *type = bare_type(btf, &id);
	if (!bytes || json_integer_value(bytes) == size || !type || btf_is_ptr(type))
		return true;
	return btf_is_int(type) && !json_object_get(need, "signed") && btf_int_encoding(type) != BTF_INT_SIGNED;
}

static enum iov_lookup look_for_field(const struct btf *btf, uint32_t id, const json_t *need, struct result *ret)
{
	struct place place = {.type = id};
	if (!find_field(btf, &place, json_string_value(json_object_get(need, "field"))) ||
	    !is_kind(btf, place.type, json_string_value(json_object_get(need, "is"))))
		return IOV_LOOKUP_NO_MEMBER;
	int64_t size = btf__resolve_size(btf, place.type);
	*ret = (struct result){place.bits, (uint64_t)size};
	return may_load(btf, place.type, need, size) ? IOV_LOOKUP_FOUND : IOV_LOOKUP_SIZE;
}

/* The number of a type is never that of another one. */
static enum iov_lookup look_for_type(const struct btf *btf, uint32_t id, const json_t *need, struct result *ret)
{
	const char *relocation = json_string_value(json_object_get(need, "relocation")),
		   *is = json_string_value(json_object_get(need, "is"));
	iov_auto(iov_free_ptr) char *signature = is ? iov_signature(btf, id) : NULL;
	bool size = relocation && !strcmp(relocation, "type_size");
	bool number = relocation && !strcmp(relocation, "target_type_id");
	*ret = (struct result){number ? id : 0, size ? (uint64_t)btf__resolve_size(btf, id) : 0};
	return signature && strcmp(signature, is) != 0 ? IOV_LOOKUP_NO_TYPE : IOV_LOOKUP_FOUND;
}

/* Does this type have what the need looks for? */
static enum iov_lookup look(const struct btf *btf, uint32_t id, const json_t *need, struct result *ret)
{
	const char *enumerator = json_string_value(json_object_get(need, "enumerator"));
	*ret = (struct result){0};
	if (json_object_get(need, "field"))
		return look_for_field(btf, id, need, ret);
	if (!enumerator)
		return look_for_type(btf, id, need, ret);
	const struct btf_type *type = bare_type(btf, &id);
	return type && has_enumerator(btf, type, enumerator, &ret->where) ? IOV_LOOKUP_FOUND : IOV_LOOKUP_NO_MEMBER;
}

/* What is written into an instruction must not hang on the candidate. */
static bool differ(const json_t *need, struct result a, struct result b)
{
	const char *relocation = json_string_value(json_object_get(need, "relocation"));
	bool exists = relocation && strstr(relocation, "_exists");
	bool sized = json_object_get(need, "bytes") ||
		     (relocation && (!strcmp(relocation, "type_size") || !strcmp(relocation, "byte_sz")));
	return a.where != b.where ? !(exists && json_object_get(need, "enumerator")) : sized && a.size != b.size;
}

static bool is_candidate(const struct btf *btf, const struct btf_type *type, const char *wanted)
{
	const char *word = iov_kind_word(btf_kind(type)), *name = btf__name_by_offset(btf, type->name_off);
	size_t len = word ? strlen(word) : 0;
	if (!len || strncmp(wanted, word, len) != 0 || wanted[len] != ' ')
		return false;
	wanted += len + 1;
	return *name == *wanted && iov_essential_len(name) == strlen(wanted) && !strncmp(name, wanted, strlen(wanted));
}

/* The better of two answers: what one candidate lacks, another one may have. */
static enum iov_lookup better(enum iov_lookup a, enum iov_lookup b)
{
	static const int ranks[] = {
		[IOV_LOOKUP_NO_TYPE] = 0, [IOV_LOOKUP_NO_MEMBER] = 1, [IOV_LOOKUP_SIZE] = 2, [IOV_LOOKUP_FOUND] = 3};
	return ranks[a] > ranks[b] ? a : b;
}

/* What was found so far. */
struct search {
	const json_t *need;
	const char *name; /* of the type, without the word before it */
	enum iov_lookup answer;
	struct result first;
	uint32_t candidates, found;
};

/* Those of the types after `id`. */
static void search(struct search *search, const struct btf *btf, const struct iov_core_types *types, uint32_t id)
{
	const char *wanted = json_string_value(json_object_get(search->need, "type"));
	struct result result;
	while (search->answer != IOV_LOOKUP_SEVERAL && (id = iov_core_types_next(types, btf, search->name, id))) {
		if (!is_candidate(btf, btf__type_by_id(btf, id), wanted))
			continue;
		enum iov_lookup one = look(btf, id, search->need, &result);
		search->candidates++;
		search->answer = better(search->answer, one);
		if (one != IOV_LOOKUP_FOUND && one != IOV_LOOKUP_SIZE)
			continue;
		if (search->found++ && differ(search->need, search->first, result))
			search->answer = IOV_LOOKUP_SEVERAL;
		search->first = result;
	}
}

enum iov_lookup iov_core_lookup(const struct iov_kernel *kernel, const json_t *need)
{
	const char *space = strchr(json_string_value(json_object_get(need, "type")), ' ');
	struct search all = {.need = need, .name = space ? space + 1 : "", .answer = IOV_LOOKUP_NO_TYPE};
	if (!space)
		return IOV_LOOKUP_NO_TYPE;
	search(&all, kernel->btf, kernel->types, 0);
	bool modules = !all.candidates;
	for (size_t i = 0; i < kernel->n_modules && modules; i++)
		search(&all, kernel->modules[i], NULL, btf__type_cnt(kernel->btf) - 1);
	return all.answer;
}
