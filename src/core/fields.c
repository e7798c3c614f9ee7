#include "core/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define NESTING_MAX 32 /* as deep as JSON that was read can be */

struct walk {
	struct iov_ctx *ctx;
	uint32_t size; /* bytes of the whole key or value */
	struct iov_fields *fields;
	unsigned unnamed; /* unions without a name, so far */
	unsigned steps;	  /* types seen: an array of empty structs has no fields, and no end */
	int nesting;
};

/* A type somewhere in the layout. */
struct spot {
	const json_t *type;
	const char *path;
	uint64_t bit; /* from the start of the key or value */
};

static int walk_type(struct walk *walk, const struct spot *spot);

static bool is_kind(const json_t *type, const char *kind)
{
	const char *have = json_string_value(json_object_get(type, "kind"));
	return have && !strcmp(have, kind);
}

/* Negative numbers become larger than any size, and are refused as such. */
static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static uint64_t scalar_size(const char *type)
{
	size_t letters = strcspn(type, "0123456789");
	if (type[letters])
		return strtoull(type + letters, NULL, 10) / 8;
	return !strcmp(type, "pointer") ? 8 : strcmp(type, "void") != 0;
}

static uint64_t size_of(const json_t *type, int nesting)
{
	if (json_is_string(type))
		return scalar_size(json_string_value(type));
	if (!is_kind(type, "array"))
		return number(type, "size");
	uint64_t count = number(type, "count"), one = nesting ? size_of(json_object_get(type, "of"), nesting - 1) : 0;
	return one && count > UINT32_MAX / one ? UINT64_MAX : count * one;
}

static bool is_integer_size(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool is_number(const json_t *type)
{
	const char *word = json_string_value(type);
	if (is_kind(type, "enum"))
		return is_integer_size(number(type, "size"));
	if (!word || !is_integer_size(scalar_size(word)))
		return false;
	return *word == 'u' || *word == 's' || !strcmp(word, "bool");
}

static bool is_signed(const json_t *type)
{
	const char *word = json_string_value(type);
	return word ? *word == 's' : is_kind(type, "enum");
}

static int contradiction(struct walk *walk, const char *path)
{
	return iov_error(walk->ctx, IOV_E_INPUT,
			 "the layout of a map contradicts itself: field '%s' does not lie within its %u bytes; install "
			 "another release",
			 path, walk->size);
}

static int too_many(struct walk *walk)
{
	return iov_error(walk->ctx, IOV_E_INPUT,
			 "a map has more than %d fields, too many to be moved one by one; make its value smaller, or "
			 "let the manifest say 'on_change: reset'",
			 IOV_FIELDS_MAX);
}

/* Takes `shape` over. */
static int add(struct walk *walk, const struct iov_field *field, const char *path, char *shape)
{
	struct iov_fields *fields = walk->fields;
	if (fields->count == IOV_FIELDS_MAX) {
		free(shape);
		return too_many(walk);
	}
	struct iov_field one = *field;
	one.shape = shape;
	one.path = strdup(path);
	struct iov_field *more = realloc(fields->items, (fields->count + 1) * sizeof(*more));
	if (more)
		fields->items = more;
	if (!more || !one.path) {
		free(one.path);
		free(one.shape);
		return iov_oom(walk->ctx);
	}
	fields->items[fields->count++] = one;
	return IOV_OK;
}

static int add_field(struct walk *walk, const struct spot *spot, enum iov_field_kind kind, const json_t *type,
		     uint64_t size, uint64_t count)
{
	uint64_t all = size * count;
	if (!all)
		return IOV_OK;
	if (spot->bit % 8 || spot->bit / 8 > walk->size || all > walk->size - spot->bit / 8)
		return contradiction(walk, spot->path);
	const struct iov_field field = {.kind = kind,
					.type = type,
					.offset = (uint32_t)(spot->bit / 8),
					.size = (uint32_t)size,
					.count = (uint32_t)count,
					.is_signed = kind == IOV_FIELD_NUMBER && is_signed(type)};
	char *shape =
		kind == IOV_FIELD_BYTES ? json_dumps(type, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	if (kind == IOV_FIELD_BYTES && !shape)
		return iov_oom(walk->ctx);
	return add(walk, &field, spot->path, shape);
}

/* ---- arrays ---- */

/* Elements that are structs or arrays themselves are fields of their own. */
static int walk_elements(struct walk *walk, const struct spot *array, uint64_t count, uint64_t size)
{
	int rc = IOV_OK;
	for (uint64_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s[%llu]", array->path, (unsigned long long)i);
		if (iov_buf_failed(&path))
			return iov_oom(walk->ctx);
		rc = walk_type(
			walk, &(struct spot){json_object_get(array->type, "of"), path.data, array->bit + i * size * 8});
	}
	return rc;
}

static int walk_array(struct walk *walk, const struct spot *spot)
{
	const json_t *of = json_object_get(spot->type, "of");
	uint64_t count = number(spot->type, "count"), size = size_of(of, NESTING_MAX);
	if (count > walk->size || size > walk->size || count * size > walk->size)
		return contradiction(walk, spot->path);
	if (is_number(of))
		return add_field(walk, spot, IOV_FIELD_NUMBER, of, size, count);
	if (json_is_string(of))
		return add_field(walk, spot, IOV_FIELD_BYTES, of, size, count);
	return size ? walk_elements(walk, spot, count, size) : IOV_OK;
}

/* ---- structs ---- */

/* Bit-fields that follow each other are one group of bytes; two groups are the same when every bit has its place. */
static int walk_bits(struct walk *walk, const struct spot *spot, const json_t *members, size_t *at)
{
	iov_auto(iov_buf_release) struct iov_buf shape = {0};
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	uint64_t start = number(json_array_get(members, *at), "offset"), end = start;
	for (; *at < json_array_size(members); ++*at) {
		const json_t *member = json_array_get(members, *at);
		const char *name = json_string_value(json_object_get(member, "name"));
		uint64_t bits = number(member, "bits"), offset = number(member, "offset");
		if (!bits)
			break;
		if (offset < start || offset > 8ull * walk->size || bits > 64)
			return contradiction(walk, name ? name : "");
		iov_buf_printf(&shape, "%s:%llu:%llu ", name ? name : "", (unsigned long long)(offset - start / 8 * 8),
			       (unsigned long long)bits);
		iov_buf_printf(&path, "%s%s%s", path.len ? "," : spot->path, path.len || !*spot->path ? "" : ".",
			       name ? name : "");
		end = offset + bits > end ? offset + bits : end;
	}
	if (iov_buf_failed(&shape) || iov_buf_failed(&path))
		return iov_oom(walk->ctx);
	uint64_t byte = (spot->bit + start) / 8, size = (spot->bit + end + 7) / 8 - byte;
	if (byte > walk->size || size > walk->size - byte)
		return contradiction(walk, path.data);
	const struct iov_field field = {
		.kind = IOV_FIELD_BYTES, .offset = (uint32_t)byte, .size = (uint32_t)size, .count = 1};
	return add(walk, &field, path.len ? path.data : "", iov_buf_take(&shape));
}

static int walk_member(struct walk *walk, const struct spot *outer, const json_t *member)
{
	const char *name = json_string_value(json_object_get(member, "name"));
	const json_t *type = json_object_get(member, "type");
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_puts(&path, outer->path);
	if (name)
		iov_buf_printf(&path, "%s%s", *outer->path ? "." : "", name);
	else if (is_kind(type, "union"))
		iov_buf_printf(&path, "%sunion_%u", *outer->path ? "." : "", ++walk->unnamed);
	if (iov_buf_failed(&path))
		return iov_oom(walk->ctx);
	uint64_t offset = number(member, "offset");
	if (offset > 8ull * walk->size)
		return contradiction(walk, path.data);
	return walk_type(walk, &(struct spot){type, path.data, outer->bit + offset});
}

static int walk_members(struct walk *walk, const struct spot *spot)
{
	const json_t *members = json_object_get(spot->type, "members");
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < json_array_size(members);) {
		if (number(json_array_get(members, i), "bits"))
			rc = walk_bits(walk, spot, members, &i);
		else
			rc = walk_member(walk, spot, json_array_get(members, i++));
	}
	return rc;
}

static bool is_kernel(const json_t *type)
{
	return json_object_get(type, "name") != NULL;
}

static int walk_type(struct walk *walk, const struct spot *spot)
{
	const json_t *type = spot->type;
	uint64_t size = size_of(type, NESTING_MAX);
	int rc;
	if (!walk->nesting || size > walk->size)
		return contradiction(walk, spot->path);
	if (++walk->steps > 16 * IOV_FIELDS_MAX)
		return too_many(walk);
	walk->nesting--;
	if (is_kernel(type))
		rc = add_field(walk, spot, IOV_FIELD_KERNEL, type, size, 1);
	else if (is_number(type))
		rc = add_field(walk, spot, IOV_FIELD_NUMBER, type, size, 1);
	else if (is_kind(type, "array"))
		rc = walk_array(walk, spot);
	else if (is_kind(type, "struct") || is_kind(type, "section"))
		rc = walk_members(walk, spot);
	else
		rc = add_field(walk, spot, IOV_FIELD_BYTES, type, size, 1);
	walk->nesting++;
	return rc;
}

int iov_fields_list(struct iov_ctx *ctx, const json_t *layout, uint32_t size, struct iov_fields *ret)
{
	iov_auto(iov_fields_release) struct iov_fields fields = {0};
	struct walk walk = {.ctx = ctx, .size = size, .fields = &fields, .nesting = NESTING_MAX};
	const struct iov_field whole = {.kind = IOV_FIELD_BYTES, .size = size, .count = 1};
	const struct spot root = {layout, "", 0};
	int rc = layout ? walk_type(&walk, &root) : IOV_OK;
	if (!rc && !layout && size)
		rc = add(&walk, &whole, "", strdup("no type"));
	if (rc)
		return rc;
	*ret = fields;
	fields = (struct iov_fields){0};
	return IOV_OK;
}

void iov_fields_release(struct iov_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		free(fields->items[i].path);
		free(fields->items[i].shape);
	}
	free(fields->items);
	*fields = (struct iov_fields){0};
}

char *iov_field_type(const struct iov_field *field)
{
	struct iov_buf text = {0};
	const char *word =
		json_string_value(json_is_string(field->type) ? field->type : json_object_get(field->type, "kind"));
	if (field->type)
		iov_buf_puts(&text, word ? word : "?");
	else
		iov_buf_printf(&text, "%u bytes", field->size);
	if (field->count > 1)
		iov_buf_printf(&text, "[%u]", field->count);
	return iov_buf_take(&text);
}
