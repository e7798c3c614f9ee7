/*
 * A value of a BTF type as JSON, for events. Integers are numbers; those beyond 63 bits, which JSON here cannot hold,
 * and pointers are text. Arrays of char are text up to their NUL. Members of anonymous structs and unions stand among
 * their parent's.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "engine/events.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

#define DEPTH_MAX 32	 /* nesting of types */
#define VALUES_MAX 65536 /* values in one event; a record of a ring buffer with more is not for people */

struct reader {
	struct iov_ctx *ctx;
	const struct btf *btf;
	const unsigned char *data;
	size_t len;
	unsigned depth;
	size_t values; /* made so far */
};

/* `bit` is where the value begins in the data; `bits` is its width when it is a bit-field, else 0. */
typedef int (*read_fn)(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret);

static int read_value(struct reader *reader, uint32_t type_id, size_t bit, unsigned bits, json_t **ret);

static int made(struct reader *reader, json_t *json, json_t **ret)
{
	if (!json)
		return iov_oom(reader->ctx);
	*ret = json;
	return IOV_OK;
}

static int too_short(struct reader *reader, size_t needed)
{
	return iov_error(
		reader->ctx, IOV_E_CONTRACT,
		"an event has %zu bytes, and its type needs %zu; name the type of the buffer's events in the manifest",
		reader->len, needed);
}

static int no_value(struct reader *reader)
{
	return iov_error(reader->ctx, IOV_E_INPUT, "an event holds a type that has no value; build its object again");
}

/* Up to 64 bits that may begin anywhere; the machine's byte order, as the program wrote them. */
static int read_bits(struct reader *reader, size_t bit, unsigned bits, uint64_t *ret)
{
	size_t end = (bit + bits + 7) / 8;
	uint64_t value = 0;
	if (!bits || bits > 64)
		return no_value(reader);
	if (end > reader->len)
		return too_short(reader, end);
	for (unsigned i = 0; i < bits; i++) {
		size_t at = bit + i;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value = value << 1 | (reader->data[at / 8] >> (7 - at % 8) & 1);
#else
		value |= (uint64_t)(reader->data[at / 8] >> at % 8 & 1) << i;
#endif
	}
	*ret = value;
	return IOV_OK;
}

static int64_t extend_sign(uint64_t value, unsigned bits)
{
	unsigned unused = (64 - bits) & 63;
	return (int64_t)(value << unused) >> unused;
}

static json_t *text_of_number(const char *format, unsigned long long value)
{
	char text[32];
	snprintf(text, sizeof(text), format, value);
	return json_string(text);
}

static json_t *json_of_number(uint64_t value, unsigned bits, bool is_signed)
{
	if (is_signed)
		return json_integer(extend_sign(value, bits));
	return value > INT64_MAX ? text_of_number("%llu", value) : json_integer((json_int_t)value);
}

/* Integers of 128 bits, as hex digits from the highest. */
static int read_wide(struct reader *reader, const struct btf_type *type, size_t bit, json_t **ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t at = bit / 8;
	if (at + type->size > reader->len)
		return too_short(reader, at + type->size);
	iov_buf_puts(&text, "0x");
	for (size_t i = 0; i < type->size; i++) {
		bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
		iov_buf_printf(&text, "%02x", reader->data[at + (big ? i : type->size - 1 - i)]);
	}
	return iov_buf_failed(&text) ? iov_oom(reader->ctx) : made(reader, json_string(text.data), ret);
}

static int read_int(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	uint64_t value = 0;
	if (type->size > sizeof(value))
		return read_wide(reader, type, bit, ret);
	bits = bits ? bits : type->size * 8;
	int rc = read_bits(reader, bit, bits, &value);
	if (rc)
		return rc;
	uint8_t encoding = btf_int_encoding(type);
	if (encoding & BTF_INT_BOOL)
		return made(reader, json_boolean(value), ret);
	return made(reader, json_of_number(value, bits, encoding & BTF_INT_SIGNED), ret);
}

static int read_pointer(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	(void)type, (void)bits;
	uint64_t value = 0;
	int rc = read_bits(reader, bit, 64, &value); /* pointers of BPF programs have 64 bits on every machine */
	return rc ? rc : made(reader, text_of_number("0x%llx", value), ret);
}

static int read_float(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	(void)bits;
	uint64_t raw = 0;
	int rc = type->size <= sizeof(raw) ? read_bits(reader, bit, type->size * 8, &raw) : IOV_OK;
	return rc ? rc
		  : made(reader, text_of_number("0x%llx", raw),
			 ret); /* programs cannot compute with floats; they only pass them on */
}

static const char *enumerator(const struct reader *reader, const struct btf_type *type, uint64_t value)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		if (btf_is_enum64(type) && btf_enum64_value(btf_enum64(type) + i) == value)
			return btf__name_by_offset(reader->btf, btf_enum64(type)[i].name_off);
		if (btf_is_enum(type) && (uint32_t)btf_enum(type)[i].val == (uint32_t)value)
			return btf__name_by_offset(reader->btf, btf_enum(type)[i].name_off);
	}
	return NULL;
}

static int read_enum(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	uint64_t value = 0;
	bits = bits ? bits : type->size * 8;
	int rc = read_bits(reader, bit, bits, &value);
	if (rc)
		return rc;
	const char *name = enumerator(reader, type, value);
	return made(reader, name ? json_string(name) : json_of_number(value, bits, btf_kflag(type)), ret);
}

static bool is_char(const struct btf *btf, uint32_t id)
{
	int bare = btf__resolve_type(btf, id);
	const struct btf_type *type = bare < 0 ? NULL : btf__type_by_id(btf, (uint32_t)bare);
	return type && btf_is_int(type) && type->size == 1 && !strcmp(btf__name_by_offset(btf, type->name_off), "char");
}

/* Programs copy what they find; bytes that are not UTF-8 become '?'. */
static int read_text(struct reader *reader, size_t at, size_t size, json_t **ret)
{
	if (at + size > reader->len)
		return too_short(reader, at + size);
	size_t len = strnlen((const char *)reader->data + at, size);
	json_t *json = json_stringn((const char *)reader->data + at, len);
	if (json)
		return made(reader, json, ret);
	iov_auto(iov_free_ptr) char *plain = strndup((const char *)reader->data + at, len);
	for (char *c = plain; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	return made(reader, plain ? json_string(plain) : NULL, ret);
}

/* An array without a length at the end of a struct takes what is left of the data. */
static size_t elements_of(const struct reader *reader, const struct btf_array *array, size_t bit)
{
	int64_t size = btf__resolve_size(reader->btf, array->type);
	if (array->nelems || size <= 0 || bit / 8 > reader->len)
		return array->nelems;
	return (reader->len - bit / 8) / (size_t)size;
}

static int read_array(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	(void)bits;
	const struct btf_array *array = btf_array(type);
	size_t count = elements_of(reader, array, bit);
	if (is_char(reader->btf, array->type))
		return read_text(reader, bit / 8, count, ret);
	int64_t size = btf__resolve_size(reader->btf, array->type);
	iov_auto(iov_json_release) json_t *list = json_array();
	int rc = list ? IOV_OK : iov_oom(reader->ctx);
	if (!rc && size < 0)
		rc = iov_error(reader->ctx, IOV_E_INPUT,
			       "an event holds an array of what has no size; build its object again");
	for (size_t i = 0; !rc && i < count; i++) {
		json_t *element = NULL;
		rc = read_value(reader, array->type, bit + i * (size_t)size * 8, 0, &element);
		if (!rc && json_array_append_new(list, element))
			rc = iov_oom(reader->ctx);
	}
	if (!rc)
		*ret = iov_take(list);
	return rc;
}

static int put_member(struct reader *reader, const char *name, json_t *value, json_t *object)
{
	int failed;
	if (!*name && json_is_object(value)) {
		failed = json_object_update(object, value);
		json_decref(value);
	} else {
		failed = json_object_set_new(object, *name ? name : "_", value);
	}
	return failed ? iov_oom(reader->ctx) : IOV_OK;
}

static int read_struct(struct reader *reader, const struct btf_type *type, size_t bit, unsigned bits, json_t **ret)
{
	(void)bits;
	const struct btf_member *member = btf_members(type);
	iov_auto(iov_json_release) json_t *object = json_object();
	int rc = object ? IOV_OK : iov_oom(reader->ctx);
	for (uint32_t i = 0; !rc && i < btf_vlen(type); i++, member++) {
		json_t *value = NULL;
		rc = read_value(reader, member->type, bit + btf_member_bit_offset(type, i),
				btf_member_bitfield_size(type, i), &value);
		if (!rc)
			rc = put_member(reader, btf__name_by_offset(reader->btf, member->name_off), value, object);
	}
	if (!rc)
		*ret = iov_take(object);
	return rc;
}

static const read_fn readers[] = {
	[BTF_KIND_INT] = read_int,	 [BTF_KIND_PTR] = read_pointer,	 [BTF_KIND_ARRAY] = read_array,
	[BTF_KIND_STRUCT] = read_struct, [BTF_KIND_UNION] = read_struct, [BTF_KIND_ENUM] = read_enum,
	[BTF_KIND_ENUM64] = read_enum,	 [BTF_KIND_FLOAT] = read_float,
};

static int read_value(struct reader *reader, uint32_t type_id, size_t bit, unsigned bits, json_t **ret)
{
	int id = btf__resolve_type(reader->btf, type_id);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(reader->btf, (uint32_t)id);
	read_fn read = type && btf_kind(type) < IOV_COUNT(readers) ? readers[btf_kind(type)] : NULL;
	if (!read)
		return no_value(reader);
	if (reader->depth >= DEPTH_MAX || ++reader->values > VALUES_MAX)
		return iov_error(reader->ctx, IOV_E_INPUT,
				 "an event has more than %d levels or %d values; make its type smaller", DEPTH_MAX,
				 VALUES_MAX);
	reader->depth++;
	int rc = read(reader, type, bit, bits, ret);
	reader->depth--;
	return rc;
}

int iov_decode_value(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, const void *data, size_t len,
		     json_t **ret)
{
	iov_libbpf_quiet();
	struct reader reader = {.ctx = ctx, .btf = btf, .data = data, .len = len};
	return read_value(&reader, type_id, 0, 0, ret);
}
