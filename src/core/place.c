#include "core/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define NESTING_MAX 32 /* as deep as JSON that was read can be */
#define HEX "hex:"

static bool is_kind(const json_t *type, const char *kind)
{
	const char *have = json_string_value(json_object_get(type, "kind"));
	return have && !strcmp(have, kind);
}

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

uint64_t iov_layout_size(const json_t *type)
{
	return size_of(type, NESTING_MAX);
}

/* ---- by name ---- */

/* A member, also of the anonymous structs among the members; their place is added to `ret`. */
static bool find_member(const json_t *type, const char *name, size_t len, int nesting, struct iov_layout_place *ret)
{
	size_t i;
	json_t *member;
	json_array_foreach(json_object_get(type, "members"), i, member) {
		const char *found = json_string_value(json_object_get(member, "name"));
		struct iov_layout_place place = {.type = json_object_get(member, "type"),
						 .bit = ret->bit + number(member, "offset"),
						 .bits = (unsigned)number(member, "bits")};
		bool here = found && strlen(found) == len && !memcmp(found, name, len);
		if (!here && (found || !nesting || !find_member(place.type, name, len, nesting - 1, &place)))
			continue;
		*ret = place;
		return true;
	}
	return false;
}

static void list_members(struct iov_buf *list, const json_t *type, int nesting)
{
	size_t i;
	json_t *member;
	json_array_foreach(json_object_get(type, "members"), i, member) {
		const char *name = json_string_value(json_object_get(member, "name"));
		if (name)
			iov_buf_printf(list, "%s%s", list->len ? ", " : "", name);
		else if (nesting)
			list_members(list, json_object_get(member, "type"), nesting - 1);
	}
}

static int no_member(struct iov_ctx *ctx, const json_t *type, const char *name, size_t len)
{
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	list_members(&have, type, NESTING_MAX);
	if (iov_buf_failed(&have))
		return iov_oom(ctx);
	if (!have.len)
		return iov_error(ctx, IOV_E_INPUT, "there is no field '%.*s', because the type has no fields", (int)len,
				 name);
	return iov_error(ctx, IOV_E_INPUT, "there is no field '%.*s'; there are: %s", (int)len, name, have.data);
}

static int step_into(struct iov_ctx *ctx, const char **path, struct iov_layout_place *place)
{
	uint64_t count = number(place->type, "count"), index = strtoull(*path + 1, NULL, 10);
	size_t len = strcspn(*path, "]") + 1;
	if (!is_kind(place->type, "array"))
		return iov_error(ctx, IOV_E_INPUT, "'%.*s' stands behind what is no array; remove it", (int)len, *path);
	if (index >= count)
		return iov_error(ctx, IOV_E_INPUT, "there is no element '%.*s'; the array has %llu", (int)len, *path,
				 (unsigned long long)count);
	place->type = json_object_get(place->type, "of");
	place->bit += index * iov_layout_size(place->type) * 8;
	*path += len;
	return IOV_OK;
}

int iov_place_find(struct iov_ctx *ctx, const json_t *layout, const char *path, struct iov_layout_place *ret)
{
	struct iov_layout_place place = {.type = layout};
	while (path && *path) {
		path += *path == '.';
		size_t len = strcspn(path, ".[");
		if (*path == '[') {
			int rc = step_into(ctx, &path, &place);
			if (rc)
				return rc;
			continue;
		}
		if (!find_member(place.type, path, len, NESTING_MAX, &place))
			return no_member(ctx, place.type, path, len);
		path += len;
	}
	*ret = place;
	return IOV_OK;
}

/* ---- numbers ---- */

static const char *word_of(const json_t *type)
{
	const char *word = json_string_value(json_is_string(type) ? type : json_object_get(type, "kind"));
	return word ? word : "thing without a type";
}

static unsigned bits_of(const struct iov_layout_place *place)
{
	return place->bits ? place->bits : (unsigned)iov_layout_size(place->type) * 8;
}

static bool is_number(const struct iov_layout_place *place)
{
	const char *word = word_of(place->type);
	unsigned bits = bits_of(place);
	bool plain =
		json_is_string(place->type) && (strchr("us", *word) || !strcmp(word, "char") || !strcmp(word, "bool"));
	return (plain || is_kind(place->type, "enum")) && bits > 0 && bits <= 64;
}

int iov_place_check_number(struct iov_ctx *ctx, const struct iov_layout_place *place)
{
	if (is_number(place))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT, "a '%s' is no number of at most 64 bits; name a field that is one",
			 word_of(place->type));
}

static bool has_negative(const json_t *values)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)values, name, value)
		if (json_integer_value(value) < 0)
			return true;
	return false;
}

bool iov_place_is_signed(const struct iov_layout_place *place)
{
	return *word_of(place->type) == 's' || has_negative(json_object_get(place->type, "values"));
}

static uint64_t extend_sign(uint64_t value, unsigned bits)
{
	unsigned unused = (64 - bits) & 63;
	return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* The place must be within the data. */
static uint64_t read_bits(const struct iov_layout_place *place, const unsigned char *bytes)
{
	unsigned bits = bits_of(place);
	uint64_t value = 0;
	for (unsigned i = 0; i < bits; i++) {
		uint64_t at = place->bit + i;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value = value << 1 | (bytes[at / 8] >> (7 - at % 8) & 1);
#else
		value |= (uint64_t)(bytes[at / 8] >> at % 8 & 1) << i;
#endif
	}
	return value;
}

int iov_place_read(struct iov_ctx *ctx, const struct iov_layout_place *place, const void *data, size_t len,
		   uint64_t *ret)
{
	unsigned bits = bits_of(place);
	if (!is_number(place) || (place->bit + bits + 7) / 8 > len)
		return iov_error(ctx, IOV_E_CONTRACT, "a value of %zu bytes does not hold what its layout says", len);
	uint64_t value = read_bits(place, data);
	*ret = iov_place_is_signed(place) ? extend_sign(value, bits) : value;
	return IOV_OK;
}

/* Decimal or hexadecimal, with or without a sign. */
static bool parse_number(const char *text, bool *ret_negative, uint64_t *ret)
{
	char *end = NULL;
	bool negative = *text == '-';
	text += negative;
	if (!strchr("0123456789", *text) || !*text)
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	*ret_negative = negative && value;
	*ret = value;
	return !errno && !*end;
}

static bool fits(const struct iov_layout_place *place, bool negative, uint64_t value)
{
	unsigned bits = bits_of(place);
	bool is_signed = iov_place_is_signed(place);
	uint64_t most = UINT64_MAX >> (64 - bits) >> is_signed;
	return negative ? is_signed && value <= most + 1 : value <= most;
}

static bool parse_name(const struct iov_layout_place *place, const char *text, uint64_t *ret)
{
	const json_t *value = json_object_get(json_object_get(place->type, "values"), text);
	bool truth = !strcmp(text, "true") || !strcmp(text, "false");
	if (value)
		*ret = (uint64_t)json_integer_value(value);
	else if (truth)
		*ret = !strcmp(text, "true");
	return value || truth;
}

int iov_place_parse(struct iov_ctx *ctx, const struct iov_layout_place *place, const char *text, uint64_t *ret)
{
	bool negative = false;
	uint64_t value = 0;
	int rc = iov_place_check_number(ctx, place);
	if (rc || parse_name(place, text, ret))
		return rc;
	if (!parse_number(text, &negative, &value) || !fits(place, negative, value))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not what a '%s' of %u bits can hold", text,
				 word_of(place->type), bits_of(place));
	*ret = negative ? 0 - value : value;
	return IOV_OK;
}

/* ---- keys ---- */

static void put_bits(const struct iov_layout_place *place, uint64_t value, unsigned char *bytes)
{
	unsigned bits = bits_of(place);
	for (unsigned i = 0; i < bits; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		uint64_t at = place->bit + bits - 1 - i, mask = 1u << (7 - at % 8);
#else
		uint64_t at = place->bit + i, mask = 1u << at % 8;
#endif
		bytes[at / 8] = (unsigned char)((bytes[at / 8] & ~mask) | (value >> i & 1 ? mask : 0));
	}
}

static int put_hex(struct iov_ctx *ctx, const char *digits, unsigned char *bytes, size_t size)
{
	if (strlen(digits) != 2 * size || strspn(digits, "0123456789abcdefABCDEF") != 2 * size)
		return iov_error(ctx, IOV_E_INPUT, "'" HEX "%s' is not %zu bytes, of two hexadecimal digits each",
				 digits, size);
	for (size_t i = 0; i < size; i++) {
		const char pair[3] = {digits[2 * i], digits[2 * i + 1]};
		bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return IOV_OK;
}

static bool is_text(const json_t *type)
{
	const char *of = json_string_value(json_object_get(type, "of"));
	return is_kind(type, "array") && of && (!strcmp(of, "char") || !strcmp(of, "u8") || !strcmp(of, "s8"));
}

static int put_text(struct iov_ctx *ctx, const struct iov_layout_place *place, const char *text, unsigned char *bytes,
		    size_t size)
{
	uint64_t value = 0, room = iov_layout_size(place->type);
	if (place->bit / 8 + room > size)
		return iov_error(ctx, IOV_E_CONTRACT, "a key of %zu bytes does not hold what its layout says", size);
	if (!place->bits && !strncmp(text, HEX, strlen(HEX)))
		return put_hex(ctx, text + strlen(HEX), bytes + place->bit / 8, room);
	if (is_text(place->type)) {
		if (strlen(text) > room)
			return iov_error(ctx, IOV_E_INPUT, "'%s' is longer than the %llu bytes of the key", text,
					 (unsigned long long)room);
		memcpy(bytes + place->bit / 8, text, strlen(text));
		return IOV_OK;
	}
	int rc = iov_place_parse(ctx, place, text, &value);
	if (!rc)
		put_bits(place, value, bytes);
	return rc;
}

static int put_members(struct iov_ctx *ctx, const json_t *layout, const json_t *key, unsigned char *bytes, size_t size)
{
	const char *member;
	json_t *text;
	json_object_foreach((json_t *)key, member, text) {
		struct iov_layout_place place = {0};
		int rc = iov_place_find(ctx, layout, member, &place);
		if (!rc)
			rc = put_text(ctx, &place, json_string_value(text), bytes, size);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* A key whose type nobody knows can be a number of its size. */
static json_t *plain_type(size_t size)
{
	struct iov_buf word = {0};
	iov_buf_printf(&word, "u%zu", size * 8);
	json_t *type = iov_buf_failed(&word) ? NULL : json_string(word.data);
	iov_buf_release(&word);
	return type;
}

int iov_place_make_key(struct iov_ctx *ctx, const json_t *layout, const json_t *key, void *ret, size_t size)
{
	memset(ret, 0, size);
	if (json_is_object(key))
		return put_members(ctx, layout, key, ret, size);
	const char *text = json_string_value(key);
	if (!strncmp(text, HEX, strlen(HEX)))
		return put_hex(ctx, text + strlen(HEX), ret, size);
	iov_auto(iov_json_release) json_t *plain = plain_type(size);
	const struct iov_layout_place place = {.type = layout ? layout : plain};
	return place.type ? put_text(ctx, &place, text, ret, size) : iov_oom(ctx);
}

/* ---- sums ---- */

struct sum {
	unsigned char *into;
	const unsigned char *from;
	size_t size;
};

static void add_at(const struct sum *sum, struct iov_layout_place place, int nesting);

static void add_elements(const struct sum *sum, const struct iov_layout_place *array, int nesting)
{
	const json_t *of = json_object_get(array->type, "of");
	uint64_t count = number(array->type, "count"), bits = iov_layout_size(of) * 8;
	for (uint64_t i = 0; bits && i < count && array->bit + i * bits < sum->size * 8; i++)
		add_at(sum, (struct iov_layout_place){.type = of, .bit = array->bit + i * bits}, nesting);
}

static void add_members(const struct sum *sum, const struct iov_layout_place *outer, int nesting)
{
	size_t i;
	json_t *member;
	json_array_foreach(json_object_get(outer->type, "members"), i, member) {
		add_at(sum,
		       (struct iov_layout_place){.type = json_object_get(member, "type"),
						 .bit = outer->bit + number(member, "offset"),
						 .bits = (unsigned)number(member, "bits")},
		       nesting);
	}
}

/* Letters, truths and names are no counters; neither is a union, whose members are one another. */
static void add_at(const struct sum *sum, struct iov_layout_place place, int nesting)
{
	const char *word = word_of(place.type);
	uint64_t value = 0;
	if (json_is_string(place.type) && strchr("us", *word) && is_number(&place)) {
		uint64_t end = (place.bit + bits_of(&place) + 7) / 8;
		if (end > sum->size)
			return;
		value = read_bits(&place, sum->into) + read_bits(&place, sum->from);
		put_bits(&place, value, sum->into);
	} else if (nesting && is_kind(place.type, "array")) {
		add_elements(sum, &place, nesting - 1);
	} else if (nesting && (is_kind(place.type, "struct") || is_kind(place.type, "section"))) {
		add_members(sum, &place, nesting - 1);
	}
}

void iov_layout_add(const json_t *layout, void *into, const void *from, size_t size)
{
	const struct sum sum = {.into = into, .from = from, .size = size};
	add_at(&sum, (struct iov_layout_place){.type = layout}, NESTING_MAX);
}
