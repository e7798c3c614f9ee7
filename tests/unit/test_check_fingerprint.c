/*
 * Properties of fingerprints, over types made at random: what changes no byte in memory changes no fingerprint (the
 * order of types, what else the object holds, typedefs, qualifiers, tags, what pointers point to, the kernel's copy of
 * the BTF); anything else does.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "live.h"
#include "util/cleanup.h"

#define MEMBERS_MAX 5
#define NESTING 4
#define ROUNDS 300

/* ---- types as a tree ---- */

enum kind { INTEGER, ENUM, POINTER, ARRAY, STRUCT, UNION, KINDS };

struct type {
	enum kind kind;
	unsigned size, align; /* bytes */
	bool is_signed;
	unsigned count; /* of elements, enumerators or members */
	struct type *of[MEMBERS_MAX];
	char names[MEMBERS_MAX][24];
	unsigned offsets[MEMBERS_MAX];
	int values[MEMBERS_MAX];
};

static unsigned below(unsigned *seed, unsigned limit)
{
	return (unsigned)rand_r(seed) % limit;
}

/* Sizes, alignment and offsets as C has them. */
static void lay_out(struct type *type)
{
	unsigned end = 0;
	if (type->kind == ARRAY && type->of[0]) {
		type->size = type->count * type->of[0]->size;
		type->align = type->of[0]->align;
	}
	if (type->kind != STRUCT && type->kind != UNION)
		return;
	type->align = 1;
	type->size = 0;
	for (unsigned i = 0; i < type->count; i++) {
		const struct type *of = type->of[i];
		type->align = of->align > type->align ? of->align : type->align;
		type->offsets[i] = type->kind == UNION ? 0 : (end + of->align - 1) / of->align * of->align;
		end = type->offsets[i] + of->size;
		type->size = end > type->size ? end : type->size;
	}
	type->size = (type->size + type->align - 1) / type->align * type->align;
}

static struct type *make(unsigned *seed, int nesting)
{
	struct type *type = calloc(1, sizeof(*type));
	ck_assert_ptr_nonnull(type);
	type->kind = nesting == NESTING ? STRUCT : below(seed, nesting ? KINDS : POINTER + 1);
	type->align = type->size = type->kind == ENUM ? 4 : type->kind == POINTER ? 8 : 1u << below(seed, 4);
	type->is_signed = below(seed, 2);
	type->count = 1 + below(seed, MEMBERS_MAX);
	for (unsigned i = 0; i < type->count; i++) {
		snprintf(type->names[i], sizeof(type->names[i]), "m%u_%u", i, below(seed, 9));
		type->values[i] = (int)(i * 3 + below(seed, 3));
		if (type->kind == STRUCT || type->kind == UNION || (type->kind == ARRAY && !i))
			type->of[i] = make(seed, nesting - 1);
	}
	lay_out(type);
	return type;
}

static void drop(struct type *type)
{
	for (unsigned i = 0; type && i < MEMBERS_MAX; i++)
		drop(type->of[i]);
	free(type);
}

/* ---- types as BTF, plainly or as other compilers and files would have it ---- */

struct writer {
	struct btf *btf;
	unsigned *seed;
	bool plain;
};

static int made(int id)
{
	ck_assert_int_gt(id, 0);
	return id;
}

static int put_type(struct writer *writer, const struct type *type);

static int some_int(struct writer *writer)
{
	return made(btf__add_int(writer->btf, "int", 4, BTF_INT_SIGNED));
}

/* Types that nobody asked for. */
static void litter(struct writer *writer)
{
	char name[32];
	snprintf(name, sizeof(name), "litter_%u", below(writer->seed, 1000));
	for (unsigned i = below(writer->seed, 3); i; i--)
		made(btf__add_ptr(writer->btf, made(btf__add_struct(writer->btf, name, 0))));
}

static int wrap(struct writer *writer, int id)
{
	static int (*const wrappers[])(struct btf *, int) = {btf__add_const, btf__add_volatile};
	char name[32];
	for (unsigned i = below(writer->seed, 3); i; i--)
		id = made(wrappers[below(writer->seed, 2)](writer->btf, id));
	snprintf(name, sizeof(name), "word_%u_t", below(writer->seed, 1000));
	return below(writer->seed, 2) ? made(btf__add_typedef(writer->btf, name, id)) : id;
}

static int write_int(struct writer *writer, const struct type *type)
{
	static const char *const names[] = {"number", "unsigned long int", "long long"};
	const char *name = writer->plain ? "int" : names[below(writer->seed, IOV_COUNT(names))];
	return made(btf__add_int(writer->btf, name, type->size, type->is_signed ? BTF_INT_SIGNED : 0));
}

static int write_enum(struct writer *writer, const struct type *type)
{
	int id = made(btf__add_enum(writer->btf, writer->plain ? "state" : NULL, 4));
	for (unsigned i = 0; i < type->count; i++)
		ck_assert_int_eq(btf__add_enum_value(writer->btf, type->names[i], type->values[i]), 0);
	return id;
}

static int write_pointer(struct writer *writer, const struct type *type)
{
	(void)type;
	return made(btf__add_ptr(writer->btf, writer->plain ? 0 : some_int(writer)));
}

static int write_array(struct writer *writer, const struct type *type)
{
	int of = put_type(writer, type->of[0]);
	return made(btf__add_array(writer->btf, some_int(writer), of, type->count));
}

static int write_composite(struct writer *writer, const struct type *type)
{
	int of[MEMBERS_MAX], id;
	for (unsigned i = 0; i < type->count; i++) {
		unsigned at = writer->plain ? i : type->count - 1 - i;
		of[at] = put_type(writer, type->of[at]);
	}
	const char *tag = writer->plain ? "value" : NULL;
	id = type->kind == UNION ? made(btf__add_union(writer->btf, tag, type->size))
				 : made(btf__add_struct(writer->btf, tag, type->size));
	for (unsigned i = 0; i < type->count; i++)
		ck_assert_int_eq(btf__add_field(writer->btf, type->names[i], of[i], type->offsets[i] * 8, 0), 0);
	return id;
}

static int put_type(struct writer *writer, const struct type *type)
{
	static int (*const writers[KINDS])(struct writer *, const struct type *) = {
		[INTEGER] = write_int, [ENUM] = write_enum,	   [POINTER] = write_pointer,
		[ARRAY] = write_array, [STRUCT] = write_composite, [UNION] = write_composite};
	if (!writer->plain)
		litter(writer);
	int id = writers[type->kind](writer, type);
	return writer->plain ? id : wrap(writer, id);
}

/* ---- fingerprints ---- */

static void fingerprint_of(struct iov_ctx *ctx, const struct btf *btf, uint32_t id, unsigned size,
			   char ret[IOV_HEX_SIZE])
{
	json_t *value = NULL;
	unit_ok(ctx, iov_check_layout(ctx, btf, id, &value));
	iov_auto(iov_json_release) json_t *layout = json_pack("{s:s, s:o}", "key", "u32", "value", value);
	struct iov_object_map map = {.type = "hash", .key_size = 4, .value_size = size, .layout = layout};
	unit_ok(ctx, iov_check_fingerprint(ctx, &map));
	memcpy(ret, map.fingerprint, IOV_HEX_SIZE);
}

static void fingerprint(struct iov_ctx *ctx, const struct type *type, unsigned *seed, bool plain,
			char ret[IOV_HEX_SIZE])
{
	struct writer writer = {btf__new_empty(), seed, plain};
	ck_assert_ptr_nonnull(writer.btf);
	int id = put_type(&writer, type);
	fingerprint_of(ctx, writer.btf, (uint32_t)id, type->size, ret);
	btf__free(writer.btf);
}

START_TEST(test_same)
{
	struct iov_ctx *ctx = unit_ctx();
	for (unsigned seed = 1; seed < ROUNDS; seed++) {
		unsigned random = seed;
		char one[IOV_HEX_SIZE], other[IOV_HEX_SIZE];
		struct type *type = make(&random, NESTING);
		fingerprint(ctx, type, &random, true, one);
		fingerprint(ctx, type, &random, false, other);
		ck_assert_msg(!strcmp(one, other), "seed %u", seed);
		drop(type);
	}
	unit_ctx_free(ctx);
}
END_TEST

/* ---- and one thing changed ---- */

static bool rename_one(struct type *type)
{
	if (type->kind != STRUCT && type->kind != UNION && type->kind != ENUM)
		return false;
	type->names[type->count - 1][0] = 'n';
	return true;
}

static bool resize(struct type *type)
{
	if (type->kind != INTEGER)
		return false;
	type->size = type->align = type->size == 8 ? 4 : type->size * 2;
	return true;
}

static bool change_sign(struct type *type)
{
	type->is_signed = !type->is_signed;
	return type->kind == INTEGER;
}

static bool lengthen(struct type *type)
{
	type->count += type->kind == ARRAY;
	return type->kind == ARRAY;
}

static bool renumber(struct type *type)
{
	type->values[0] = 77;
	return type->kind == ENUM;
}

static bool swap_names(struct type *type)
{
	char name[sizeof(type->names[0])];
	if (type->kind != STRUCT || type->count < 2)
		return false;
	memcpy(name, type->names[0], sizeof(name));
	memcpy(type->names[0], type->names[1], sizeof(name));
	memcpy(type->names[1], name, sizeof(name));
	return true;
}

static bool drop_last(struct type *type)
{
	if ((type->kind != STRUCT && type->kind != UNION && type->kind != ENUM) || type->count < 2)
		return false;
	type->count--;
	return true;
}

static bool become_union(struct type *type)
{
	bool can = type->kind == STRUCT && type->count > 1;
	type->kind = can ? UNION : type->kind;
	return can;
}

static bool become_pointer(struct type *type)
{
	if (type->kind != INTEGER)
		return false;
	type->kind = POINTER;
	type->size = type->align = 8;
	return true;
}

static bool (*const changes[])(struct type *type) = {rename_one, resize,    change_sign,  lengthen,	 renumber,
						     swap_names, drop_last, become_union, become_pointer};

/* Somewhere in the tree, but never the kind of the whole; false: there is no place for it. */
static bool change_one(struct type *type, bool (*change)(struct type *), unsigned *seed)
{
	unsigned start = below(seed, MEMBERS_MAX), members = type->kind == ARRAY ? 1 : type->count;
	bool done = false;
	for (unsigned i = 0; !done && type->of[0] && i < members; i++)
		done = change_one(type->of[(start + i) % members], change, seed);
	if (!done)
		done = change(type);
	lay_out(type);
	return done;
}

START_TEST(test_other)
{
	struct iov_ctx *ctx = unit_ctx();
	unsigned changed = 0;
	for (unsigned seed = 1; seed < ROUNDS; seed++) {
		unsigned random = seed;
		char one[IOV_HEX_SIZE], other[IOV_HEX_SIZE];
		struct type *type = make(&random, NESTING);
		fingerprint(ctx, type, &random, true, one);
		if (change_one(type, changes[_i], &random)) {
			fingerprint(ctx, type, &random, false, other);
			ck_assert_msg(strcmp(one, other) != 0, "seed %u", seed);
			changed++;
		}
		drop(type);
	}
	ck_assert_uint_gt(changed, ROUNDS / 2);
	unit_ctx_free(ctx);
}
END_TEST

/* ---- the kernel's copy ---- */

/* A live map of this value, and from what the kernel tells of it. */
static void live_fingerprint(struct iov_ctx *ctx, const struct type *type, unsigned *seed, char ret[IOV_HEX_SIZE])
{
	struct writer writer = {btf__new_empty(), seed, false};
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	ck_assert_ptr_nonnull(writer.btf);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC,
		    .btf_key_type_id = (uint32_t)made(btf__add_int(writer.btf, "key", 4, 0)),
		    .btf_value_type_id = (uint32_t)put_type(&writer, type));
	ck_assert_int_eq(btf__load_into_kernel(writer.btf), 0);
	options.btf_fd = (uint32_t)btf__fd(writer.btf);
	iov_auto(iov_close_fd) int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "fingerprint", 4, type->size, 1, &options);
	ck_assert_int_ge(fd, 0);
	btf__free(writer.btf);
	ck_assert_int_eq(bpf_map_get_info_by_fd(fd, &info, &len), 0);
	struct btf *live = btf__load_from_kernel_by_id(info.btf_id);
	ck_assert_ptr_nonnull(live);
	fingerprint_of(ctx, live, info.btf_value_type_id, info.value_size, ret);
	btf__free(live);
}

START_TEST(test_live)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = unit_ctx();
	for (unsigned seed = 1; seed < 60; seed++) {
		unsigned random = seed;
		char one[IOV_HEX_SIZE], other[IOV_HEX_SIZE];
		struct type *type = make(&random, NESTING);
		fingerprint(ctx, type, &random, true, one);
		live_fingerprint(ctx, type, &random, other);
		ck_assert_msg(!strcmp(one, other), "seed %u", seed);
		drop(type);
	}
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_check_fingerprint(void)
{
	Suite *suite = suite_create("check_fingerprint");
	TCase *properties = tcase_create("properties");
	tcase_set_timeout(properties, 60);
	tcase_add_test(properties, test_same);
	tcase_add_loop_test(properties, test_other, 0, IOV_COUNT(changes));
	tcase_add_test(properties, test_live);
	suite_add_tcase(suite, properties);
	return suite;
}
