/* Layouts of maps (docs/map-contracts.md): may one stand in for another, and how do they differ, for people to read. */
#include "core/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

/* ---- does a map serve? ---- */

static bool is_kind(const json_t *layout, const char *kind)
{
	const char *have = json_string_value(json_object_get(layout, "kind"));
	return have && !strcmp(have, kind);
}

static bool same_or_absent(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* The members of the shorter struct are the first ones of the longer, at the same places. */
static bool struct_extends(const json_t *longer, const json_t *shorter)
{
	if (!is_kind(longer, "struct") || !is_kind(shorter, "struct"))
		return false;
	const json_t *more = json_object_get(longer, "members"), *less = json_object_get(shorter, "members");
	size_t count = json_array_size(less);
	if (count == 0 || json_array_size(more) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!json_equal(json_array_get(more, i), json_array_get(less, i)))
			return false;
	return same_or_absent(json_object_get(longer, "name"), json_object_get(shorter, "name"));
}

static bool map_extends(const struct iov_object_map *longer, const struct iov_object_map *shorter)
{
	return !strcmp(longer->type, shorter->type) && longer->flags == shorter->flags &&
	       longer->key_size == shorter->key_size && longer->value_size >= shorter->value_size &&
	       same_or_absent(json_object_get(longer->layout, "key"), json_object_get(shorter->layout, "key")) &&
	       struct_extends(json_object_get(longer->layout, "value"), json_object_get(shorter->layout, "value"));
}

bool iov_object_map_serves(const struct iov_object_map *exported, const struct iov_object_map *wanted, bool read_only)
{
	if (!strcmp(exported->fingerprint, wanted->fingerprint))
		return true;
	return read_only && map_extends(exported, wanted);
}

/* ---- a layout as lines ---- */

#define NESTING_MAX 32	   /* as deep as JSON that was read can be */
#define TEXT_MAX (1 << 16) /* bytes of one side; a layout from elsewhere could repeat long names without end */

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* "u32" is 32 bits, "pointer" a word, "char" and "bool" a byte. */
static uint64_t scalar_bits(const char *type)
{
	size_t letters = strcspn(type, "0123456789");
	if (type[letters])
		return strtoull(type + letters, NULL, 10);
	if (!strcmp(type, "void"))
		return 0;
	return !strcmp(type, "pointer") ? 64 : 8;
}

static uint64_t size_of(const json_t *type, int nesting)
{
	if (json_is_string(type))
		return scalar_bits(json_string_value(type)) / 8;
	if (is_kind(type, "array") && nesting)
		return number(type, "count") * size_of(json_object_get(type, "of"), nesting - 1);
	return number(type, "size");
}

void iov_layout_put_type(struct iov_buf *text, const json_t *type)
{
	struct iov_buf counts = {0};
	for (int i = 0; is_kind(type, "array") && i < NESTING_MAX; i++) {
		iov_buf_printf(&counts, "[%llu]", (unsigned long long)number(type, "count"));
		type = json_object_get(type, "of");
	}
	const char *word = json_string_value(json_is_string(type) ? type : json_object_get(type, "kind"));
	const char *tag = json_string_value(json_object_get(type, "name"));
	iov_buf_printf(text, "%s%s%s%s", word ? word : "?", tag ? " " : "", tag ? tag : "",
		       counts.data ? counts.data : "");
	iov_buf_release(&counts);
}

/* Where one row stands: offset in bits from the start of the key or value, and the path of names that leads there
 * ("pos.x"). */
struct place {
	uint64_t offset;
	uint64_t bits; /* of a bit-field, else 0 */
	const char *path;
	int nesting;
};

static void put_row(struct iov_buf *text, const json_t *type, const struct place *place)
{
	char where[48], size[48];
	unsigned long long byte = place->offset / 8, bit = place->offset % 8;
	snprintf(where, sizeof(where), place->bits ? "%llu.%llu" : "%llu", byte, bit);
	if (place->bits)
		snprintf(size, sizeof(size), "%llu bits", (unsigned long long)place->bits);
	else
		snprintf(size, sizeof(size), "%llu", (unsigned long long)size_of(type, NESTING_MAX));
	iov_auto(iov_buf_release) struct iov_buf word = {0};
	iov_layout_put_type(&word, type);
	iov_buf_printf(text, "%6s %6s  %-8s%s%s\n", where, size, word.data ? word.data : "?", *place->path ? " " : "",
		       place->path);
}

static void put_layout(struct iov_buf *text, const json_t *type, struct place place);

static void put_member(struct iov_buf *text, const json_t *member, const struct place *outer)
{
	const char *name = json_string_value(json_object_get(member, "name"));
	if (text->len > TEXT_MAX)
		return;
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s%s%s", outer->path, *outer->path && name ? "." : "", name ? name : "");
	put_layout(text, json_object_get(member, "type"),
		   (struct place){.offset = outer->offset + number(member, "offset"),
				  .bits = number(member, "bits"),
				  .path = path.data ? path.data : "",
				  .nesting = outer->nesting - 1});
}

static void put_layout(struct iov_buf *text, const json_t *type, struct place place)
{
	put_row(text, type, &place);
	while (is_kind(type, "array"))
		type = json_object_get(type, "of");
	const json_t *members = json_object_get(type, "members");
	for (size_t i = 0; place.nesting && i < json_array_size(members); i++)
		put_member(text, json_array_get(members, i), &place);
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(type, "values"), name, value) {
		iov_buf_printf(text, "%15s  %s = %lld\n", "", name, (long long)json_integer_value(value));
	}
}

static void put_map(struct iov_buf *text, const json_t *layout)
{
	static const char *const parts[] = {"key", "value"};
	for (size_t i = 0; i < IOV_COUNT(parts); i++) {
		const json_t *part = json_object_get(layout, parts[i]);
		iov_buf_printf(text, "%s%s\n", parts[i], part ? "" : ": no type known");
		if (part)
			put_layout(text, part, (struct place){.path = "", .nesting = NESTING_MAX});
	}
	const json_t *inner = json_object_get(layout, "inner");
	if (!inner)
		return;
	const char *type = json_string_value(json_object_get(inner, "type"));
	iov_buf_printf(text, "inner maps: %s, key %llu, value %llu, flags %llu\n", type ? type : "?",
		       (unsigned long long)number(inner, "key_size"), (unsigned long long)number(inner, "value_size"),
		       (unsigned long long)number(inner, "flags"));
	put_map(text, inner);
}

/* ---- side by side ---- */

static size_t longest_line(const char *text)
{
	size_t longest = 0;
	while (*text) {
		size_t len = strcspn(text, "\n");
		longest = len > longest ? len : longest;
		text += len + (text[len] == '\n');
	}
	return longest;
}

struct line {
	const char *text;
	int len;
};

static struct line next_line(const char **text)
{
	struct line line = {*text, (int)strcspn(*text, "\n")};
	*text += line.len + ((*text)[line.len] == '\n');
	return line;
}

static bool same_line(const struct line *a, const struct line *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, (size_t)a->len);
}

static void put_pair(struct iov_buf *text, char mark, const struct line *left, int width, const struct line *right)
{
	iov_buf_printf(text, "%c %-*.*s | %.*s", mark, width, left->len, left->text, right->len, right->text);
	while (text->len && text->data[text->len - 1] == ' ')
		text->data[--text->len] = '\0';
	iov_buf_puts(text, "\n");
}

char *iov_layout_compare_text(const char *left_title, const json_t *left, const char *right_title, const json_t *right)
{
	iov_auto(iov_buf_release) struct iov_buf left_text = {0};
	iov_auto(iov_buf_release) struct iov_buf right_text = {0};
	iov_buf_printf(&left_text, "%s\n", left_title);
	iov_buf_printf(&right_text, "%s\n", right_title);
	put_map(&left_text, left);
	put_map(&right_text, right);
	if (iov_buf_failed(&left_text) || iov_buf_failed(&right_text))
		return NULL;
	struct iov_buf text = {0};
	int width = (int)longest_line(left_text.data);
	const char *left_rest = left_text.data, *right_rest = right_text.data;
	for (bool title = true; *left_rest || *right_rest; title = false) {
		struct line one = next_line(&left_rest), other = next_line(&right_rest);
		put_pair(&text, title || same_line(&one, &other) ? ' ' : '!', &one, width, &other);
	}
	return iov_buf_take(&text);
}
