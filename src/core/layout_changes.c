/* What differs between two layouts, in words: which field was renamed, moved, resized, removed or added. */
#include <string.h>

#include "core/object.h"
#include "util/cleanup.h"

#define CHANGES_MAX 6  /* told one by one; the layouts side by side show the others */
#define NESTING_MAX 32 /* as deep as JSON that was read can be */

struct changes {
	struct iov_buf *text;
	size_t count;
};

/* One change of the field `path`. */
__attribute__((format(printf, 3, 4))) static void put(struct changes *changes, const char *path, const char *format,
						      ...)
{
	va_list args;
	if (changes->count++ >= CHANGES_MAX)
		return;
	va_start(args, format);
	iov_buf_puts(changes->text, changes->text->len ? ", " : "");
	if (*path)
		iov_buf_printf(changes->text, "field '%s' ", path);
	iov_buf_vprintf(changes->text, format, args);
	va_end(args);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static bool same_offset(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "offset"), json_object_get(b, "offset"));
}

/* The member of that name; one without a name is known by its place. */
static const json_t *find_member(const json_t *members, const json_t *like)
{
	const char *name = text_of(like, "name");
	size_t i;
	json_t *member;
	json_array_foreach((json_t *)members, i, member) {
		if (!strcmp(text_of(member, "name"), name) && (*name || same_offset(member, like)))
			return member;
	}
	return NULL;
}

/* The member that took the place of `gone`: same offset and type, and no name that was there before. */
static const json_t *find_renamed(const json_t *old_members, const json_t *new_members, const json_t *gone)
{
	size_t i;
	json_t *member;
	json_array_foreach((json_t *)new_members, i, member) {
		if (*text_of(member, "name") && same_offset(member, gone) &&
		    json_equal(json_object_get(member, "type"), json_object_get(gone, "type")) &&
		    !find_member(old_members, member))
			return member;
	}
	return NULL;
}

static void compare(struct changes *changes, const char *path, const json_t *old, const json_t *new, int nesting);

static void compare_bits(struct changes *changes, const char *path, const json_t *old, const json_t *new)
{
	long long was = json_integer_value(json_object_get(old, "offset"));
	long long is = json_integer_value(json_object_get(new, "offset"));
	bool bits = was % 8 || is % 8;
	if (was != is)
		put(changes, path, "moved from %s %lld to %lld", bits ? "bit" : "byte", bits ? was : was / 8,
		    bits ? is : is / 8);
	was = json_integer_value(json_object_get(old, "bits"));
	is = json_integer_value(json_object_get(new, "bits"));
	if (was != is)
		put(changes, path, "had %lld bits and has %lld (0: all)", was, is);
}

static char *join(const char *path, const json_t *member)
{
	struct iov_buf joined = {0};
	const char *name = text_of(member, "name");
	iov_buf_printf(&joined, "%s%s%s", path, *path && *name ? "." : "", name);
	return iov_buf_take(&joined);
}

static void compare_old_member(struct changes *changes, const char *path, const json_t *member, const json_t *old,
			       const json_t *new, int nesting)
{
	iov_auto(iov_free_ptr) char *name = join(path, member);
	const json_t *now = find_member(new, member);
	const json_t *renamed = now ? NULL : find_renamed(old, new, member);
	if (!name)
		return;
	if (now) {
		compare_bits(changes, name, member, now);
		compare(changes, name, json_object_get(member, "type"), json_object_get(now, "type"), nesting - 1);
	} else if (renamed) {
		put(changes, name, "is renamed to '%s'", text_of(renamed, "name"));
	} else {
		put(changes, name, "is gone");
	}
}

/* Behind everything that was there? */
static bool is_appended(const json_t *old_members, const json_t *member)
{
	const json_t *last = json_array_get(old_members, json_array_size(old_members) - 1);
	return json_integer_value(json_object_get(member, "offset")) >
	       json_integer_value(json_object_get(last, "offset"));
}

static void compare_members(struct changes *changes, const char *path, const json_t *old, const json_t *new,
			    int nesting)
{
	size_t i;
	json_t *member;
	json_array_foreach((json_t *)old, i, member) {
		compare_old_member(changes, path, member, old, new, nesting);
	}
	json_array_foreach((json_t *)new, i, member) {
		const json_t *before = find_member(old, member) ? member : find_renamed(new, old, member);
		iov_auto(iov_free_ptr) char *name = join(path, member);
		if (!before && name)
			put(changes, name, is_appended(old, member) ? "is appended" : "is put in between");
	}
}

static void put_types(struct changes *changes, const char *path, const json_t *old, const json_t *new)
{
	iov_auto(iov_buf_release) struct iov_buf was = {0}, is = {0};
	iov_layout_put_type(&was, old);
	iov_layout_put_type(&is, new);
	if (was.data && is.data && strcmp(was.data, is.data) != 0)
		put(changes, path, "was %s and is %s", was.data, is.data);
	else
		put(changes, path, "is another %s", was.data ? was.data : "type");
}

static void compare(struct changes *changes, const char *path, const json_t *old, const json_t *new, int nesting)
{
	const char *kind = text_of(old, "kind");
	if (json_equal(old, new) || !nesting)
		return;
	const json_t *old_members = json_object_get(old, "members"), *new_members = json_object_get(new, "members");
	size_t before = changes->count;
	if (!strcmp(kind, text_of(new, "kind")) && old_members && new_members)
		compare_members(changes, path, old_members, new_members, nesting);
	else if (!strcmp(kind, "array") && !strcmp(text_of(new, "kind"), "array") &&
		 json_equal(json_object_get(old, "count"), json_object_get(new, "count")))
		compare(changes, path, json_object_get(old, "of"), json_object_get(new, "of"), nesting - 1);
	if (changes->count == before)
		put_types(changes, path, old, new);
}

void iov_layout_changes(const json_t *old, const json_t *new, struct iov_buf *ret)
{
	struct changes changes = {ret, 0};
	compare(&changes, "", old, new, NESTING_MAX);
	if (changes.count > CHANGES_MAX)
		iov_buf_printf(ret, " and %zu more", changes.count - CHANGES_MAX);
}

/* ---- whole maps ---- */

static const json_t *part_of(const json_t *layout, const char *part)
{
	return json_object_get(layout, part);
}

__attribute__((format(printf, 2, 3))) static void add(struct iov_buf *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	iov_buf_puts(text, text->len ? ", " : "");
	iov_buf_vprintf(text, format, args);
	va_end(args);
}

/* `of` is " of the maps inside", or nothing. */
static void compare_parts(struct iov_buf *text, const json_t *old, const json_t *new, const char *of)
{
	static const char *const parts[] = {"key", "value"};
	for (size_t i = 0; i < IOV_COUNT(parts); i++) {
		const json_t *was = part_of(old, parts[i]), *is = part_of(new, parts[i]);
		iov_auto(iov_buf_release) struct iov_buf changes = {0};
		if (was && is)
			iov_layout_changes(was, is, &changes);
		else if (was || is)
			iov_buf_puts(&changes, is ? "there is a type now" : "there is no type any more");
		if (changes.len)
			add(text, "in the %s%s %s", parts[i], of, changes.data);
	}
}

static void compare_inner(struct iov_buf *text, const json_t *old, const json_t *new)
{
	static const char *const facts[] = {"type", "flags", "key_size", "value_size"};
	if (!old && !new)
		return;
	for (size_t i = 0; i < IOV_COUNT(facts); i++) {
		const json_t *was = json_object_get(old, facts[i]), *is = json_object_get(new, facts[i]);
		if (was != is && !json_equal(was, is))
			add(text, "the maps inside have another %s", facts[i]);
	}
	compare_parts(text, old, new, " of the maps inside");
}

void iov_object_map_changes(const struct iov_object_map *old, const struct iov_object_map *new, struct iov_buf *ret)
{
	if (strcmp(old->type, new->type) != 0)
		add(ret, "it was a %s and is a %s", old->type, new->type);
	if (old->flags != new->flags)
		add(ret, "the flags were 0x%x and are 0x%x", old->flags, new->flags);
	compare_parts(ret, old->layout, new->layout, "");
	compare_inner(ret, part_of(old->layout, "inner"), part_of(new->layout, "inner"));
	if (old->key_size != new->key_size)
		add(ret, "the key had %u bytes and has %u", old->key_size, new->key_size);
	if (old->value_size != new->value_size)
		add(ret, "the value had %u bytes and has %u", old->value_size, new->value_size);
}
