#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/layout.h"
#include "core/json.h"
#include "unit.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct btf *btf;

static void setup(void)
{
	ctx = unit_ctx();
	btf = btf__new_empty();
	ck_assert_ptr_nonnull(btf);
}

static void teardown(void)
{
	btf__free(btf);
	unit_ctx_free(ctx);
}

static uint32_t made(int id)
{
	ck_assert_int_gt(id, 0);
	return (uint32_t)id;
}

static uint32_t u32(void)
{
	return made(btf__add_int(btf, "unsigned int", 4, 0));
}

static void check(uint32_t type, const char *expected)
{
	iov_auto(iov_json_release) json_t *layout = NULL;
	unit_ok(ctx, iov_check_layout(ctx, btf, type, &layout));
	iov_auto(iov_free_ptr) char *text = json_dumps(layout, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	ck_assert_str_eq(text, expected);
}

static void refuse(uint32_t type, const char *words)
{
	json_t *layout = NULL;
	unit_fails(ctx, iov_check_layout(ctx, btf, type, &layout), IOV_E_INPUT, words);
	ck_assert_ptr_null(layout);
}

static const struct {
	const char *name;
	size_t size;
	int encoding;
	const char *expected;
} integers[] = {
	{"unsigned char", 1, 0, "\"u8\""},
	{"signed char", 1, BTF_INT_SIGNED, "\"s8\""},
	{"char", 1, BTF_INT_SIGNED, "\"char\""},
	{"char", 1, 0, "\"char\""},
	{"_Bool", 1, BTF_INT_BOOL, "\"bool\""},
	{"short", 2, BTF_INT_SIGNED, "\"s16\""},
	{"unsigned long", 8, 0, "\"u64\""},
	{"long long unsigned int", 8, 0, "\"u64\""},
	{"__int128", 16, BTF_INT_SIGNED, "\"s128\""},
};

START_TEST(integers_are_sign_and_size)
{
	check(made(btf__add_int(btf, integers[_i].name, integers[_i].size, integers[_i].encoding)),
	      integers[_i].expected);
}
END_TEST

START_TEST(other_scalars)
{
	check(0, "\"void\"");
	check(made(btf__add_float(btf, "double", 8)), "\"f64\"");
	check(made(btf__add_ptr(btf, 0)), "\"pointer\"");
}
END_TEST

START_TEST(names_and_qualifiers_of_types_do_not_count)
{
	uint32_t type = made(btf__add_typedef(btf, "__u32", u32()));
	type = made(btf__add_const(btf, made(btf__add_volatile(btf, type))));
	check(made(btf__add_typedef(btf, "counter_t", type)), "\"u32\"");
}
END_TEST

START_TEST(a_struct_has_members_with_bit_offsets)
{
	uint32_t number = u32();
	uint32_t letter = made(btf__add_int(btf, "char", 1, BTF_INT_SIGNED));
	uint32_t name = made(btf__add_array(btf, number, letter, 8));
	uint32_t type = made(btf__add_struct(btf, "session", 16));
	ck_assert_int_eq(btf__add_field(btf, "id", number, 0, 0), 0);
	ck_assert_int_eq(btf__add_field(btf, "flags", number, 32, 3), 0);
	ck_assert_int_eq(btf__add_field(btf, "state", number, 35, 5), 0);
	ck_assert_int_eq(btf__add_field(btf, "name", name, 64, 0), 0);
	check(type, "{\"kind\":\"struct\",\"members\":["
		    "{\"name\":\"id\",\"offset\":0,\"type\":\"u32\"},"
		    "{\"bits\":3,\"name\":\"flags\",\"offset\":32,\"type\":\"u32\"},"
		    "{\"bits\":5,\"name\":\"state\",\"offset\":35,\"type\":\"u32\"},"
		    "{\"name\":\"name\",\"offset\":64,\"type\":{\"count\":8,\"kind\":\"array\",\"of\":\"char\"}}],"
		    "\"size\":16}");
}
END_TEST

START_TEST(an_anonymous_member_has_no_name)
{
	uint32_t number = u32();
	uint32_t inner = made(btf__add_union(btf, NULL, 4));
	ck_assert_int_eq(btf__add_field(btf, "a", number, 0, 0), 0);
	ck_assert_int_eq(btf__add_field(btf, "b", number, 0, 0), 0);
	uint32_t type = made(btf__add_struct(btf, NULL, 4));
	ck_assert_int_eq(btf__add_field(btf, NULL, inner, 0, 0), 0);
	check(type, "{\"kind\":\"struct\",\"members\":[{\"offset\":0,\"type\":"
		    "{\"kind\":\"union\",\"members\":[{\"name\":\"a\",\"offset\":0,\"type\":\"u32\"},"
		    "{\"name\":\"b\",\"offset\":0,\"type\":\"u32\"}],\"size\":4}}],\"size\":4}");
}
END_TEST

START_TEST(arrays_nest_outermost_first)
{
	uint32_t number = u32();
	uint32_t inner = made(btf__add_array(btf, number, number, 3));
	check(made(btf__add_array(btf, number, inner, 2)),
	      "{\"count\":2,\"kind\":\"array\",\"of\":{\"count\":3,\"kind\":\"array\",\"of\":\"u32\"}}");
}
END_TEST

START_TEST(an_enum_has_its_values)
{
	uint32_t type = made(btf__add_enum(btf, "state", 4));
	ck_assert_int_eq(btf__add_enum_value(btf, "UP", 1), 0);
	ck_assert_int_eq(btf__add_enum_value(btf, "LOST", -1), 0);
	check(type, "{\"kind\":\"enum\",\"size\":4,\"values\":{\"LOST\":-1,\"UP\":1}}");
	type = made(btf__add_enum64(btf, "wide", 8, false));
	ck_assert_int_eq(btf__add_enum64_value(btf, "FAR", 1ull << 40), 0);
	check(type, "{\"kind\":\"enum\",\"size\":8,\"values\":{\"FAR\":1099511627776}}");
}
END_TEST

START_TEST(only_the_kernels_own_tags_count)
{
	uint32_t number = u32();
	uint32_t lock = made(btf__add_struct(btf, "bpf_spin_lock", 4));
	ck_assert_int_eq(btf__add_field(btf, "val", number, 0, 0), 0);
	check(lock, "{\"kind\":\"struct\",\"members\":[{\"name\":\"val\",\"offset\":0,\"type\":\"u32\"}],"
		    "\"name\":\"bpf_spin_lock\",\"size\":4}");
	uint32_t other = made(btf__add_struct(btf, "my_lock", 4));
	ck_assert_int_eq(btf__add_field(btf, "val", number, 0, 0), 0);
	check(other, "{\"kind\":\"struct\",\"members\":[{\"name\":\"val\",\"offset\":0,\"type\":\"u32\"}],\"size\":4}");
}
END_TEST

START_TEST(a_section_lists_variables_by_name)
{
	uint32_t number = u32();
	uint32_t last = made(btf__add_var(btf, "zeta", BTF_VAR_STATIC, number));
	uint32_t first = made(btf__add_var(btf, "alpha", BTF_VAR_GLOBAL_ALLOCATED, number));
	uint32_t type = made(btf__add_datasec(btf, ".bss", 8));
	ck_assert_int_eq(btf__add_datasec_var_info(btf, last, 0, 4), 0);
	ck_assert_int_eq(btf__add_datasec_var_info(btf, first, 4, 4), 0);
	check(type, "{\"kind\":\"section\",\"members\":[{\"name\":\"alpha\",\"offset\":32,\"type\":\"u32\"},"
		    "{\"name\":\"zeta\",\"offset\":0,\"type\":\"u32\"}],\"size\":8}");
}
END_TEST

/* A struct in a struct …, `levels` of them. */
static uint32_t nested(int levels)
{
	uint32_t type = u32();
	for (int i = 0; i < levels; i++) {
		uint32_t outer = made(btf__add_struct(btf, NULL, 4));
		ck_assert_int_eq(btf__add_field(btf, "in", type, 0, 0), 0);
		type = outer;
	}
	return type;
}

START_TEST(the_deepest_layout_fits_a_release)
{
	iov_auto(iov_json_release) json_t *layout = NULL;
	unit_ok(ctx, iov_check_layout(ctx, btf, nested(IOV_LAYOUT_DEPTH), &layout));
	/* index line, release, object, maps, map, layout, inner: what stands around it at most */
	iov_auto(iov_json_release) json_t *release = json_pack("[[[[[[{s:O}]]]]]]", "inner", layout);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(release);
	ck_assert_ptr_nonnull(text);
	refuse(nested(IOV_LAYOUT_DEPTH + 1), "nests deeper than the 8 levels");
}
END_TEST

START_TEST(a_type_that_holds_itself_ends)
{
	uint32_t type = made(btf__add_struct(btf, "endless", 4));
	ck_assert_int_eq(btf__add_field(btf, "in", (int)type, 0, 0), 0);
	refuse(type, "nests deeper than");
	uint32_t next = btf__type_cnt(btf) + 1;
	uint32_t loop = made(btf__add_typedef(btf, "a", (int)next));
	made(btf__add_typedef(btf, "b", (int)loop));
	refuse(loop, "does not exist");
}
END_TEST

START_TEST(too_many_members_are_refused)
{
	uint32_t number = u32();
	uint32_t inner = made(btf__add_struct(btf, NULL, 4));
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(btf__add_field(btf, NULL, number, 0, 0), 0);
	uint32_t outer = made(btf__add_struct(btf, NULL, 4));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(btf__add_field(btf, NULL, inner, 0, 0), 0);
	refuse(outer, "more than the 4096 members");
}
END_TEST

START_TEST(what_has_no_size_is_refused)
{
	refuse(made(btf__add_fwd(btf, "unknown", BTF_FWD_STRUCT)), "holds something that has no size");
	refuse(1000, "refers to one that does not exist");
}
END_TEST

START_TEST(a_name_must_be_a_name)
{
	uint32_t number = u32();
	uint32_t type = made(btf__add_struct(btf, NULL, 4));
	ck_assert_int_eq(btf__add_field(btf, "bell\a", number, 0, 0), 0);
	refuse(type, "a name in it is no name in C");
}
END_TEST

/* `count` empty types ahead, so that ids differ. */
static json_t *flow_value(int count)
{
	struct btf *own = btf__new_empty();
	json_t *layout = NULL;
	for (int i = 0; i < count; i++)
		made(btf__add_ptr(own, 0));
	uint32_t number = made(btf__add_int(own, count ? "unsigned long" : "unsigned long long", 8, 0));
	uint32_t type = made(btf__add_struct(own, count ? "flow" : "flow_value", 16));
	ck_assert_int_eq(btf__add_field(own, "packets", number, 0, 0), 0);
	ck_assert_int_eq(btf__add_field(own, "bytes", number, 64, 0), 0);
	unit_ok(ctx, iov_check_layout(ctx, own, type, &layout));
	btf__free(own);
	return layout;
}

START_TEST(equal_memory_gives_equal_layouts)
{
	iov_auto(iov_json_release) json_t *one = flow_value(0);
	iov_auto(iov_json_release) json_t *other = flow_value(7);
	ck_assert(json_equal(one, other));
}
END_TEST

static struct iov_object_map map_of(const char *type, uint32_t flags, json_t *layout)
{
	struct iov_object_map map = {
		.name = "m", .type = type, .key_size = 4, .value_size = 4, .flags = flags, .layout = layout};
	unit_ok(ctx, iov_check_fingerprint(ctx, &map));
	return map;
}

START_TEST(the_fingerprint_covers_what_it_says)
{
	iov_auto(iov_json_release) json_t *plain = json_pack("{s:s, s:s}", "key", "u32", "value", "u32");
	iov_auto(iov_json_release) json_t *other = json_pack("{s:s, s:s}", "key", "u32", "value", "s32");
	struct iov_object_map base = map_of("hash", 0, plain);
	/* of {"flags":0,"key_size":4,"layout":{"key":"u32","value":"u32"},"type":"hash","value_size":4} */
	ck_assert_str_eq(base.fingerprint, "651795563c37d147c16b1d26819681a2a75321cb0ac59d05f5ec2968ae10de2a");
	ck_assert_str_ne(map_of("array", 0, plain).fingerprint, base.fingerprint);
	ck_assert_str_ne(map_of("hash", 1, plain).fingerprint, base.fingerprint);
	ck_assert_str_ne(map_of("hash", 0, other).fingerprint, base.fingerprint);
	struct iov_object_map larger = base;
	larger.max_entries = 1000;
	larger.name = "another";
	unit_ok(ctx, iov_check_fingerprint(ctx, &larger));
	ck_assert_str_eq(larger.fingerprint, base.fingerprint);
}
END_TEST

Suite *suite_check_layout(void)
{
	Suite *suite = suite_create("check/layout");
	TCase *tests = tcase_create("layout");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, integers_are_sign_and_size, 0, IOV_COUNT(integers));
	tcase_add_test(tests, other_scalars);
	tcase_add_test(tests, names_and_qualifiers_of_types_do_not_count);
	tcase_add_test(tests, a_struct_has_members_with_bit_offsets);
	tcase_add_test(tests, an_anonymous_member_has_no_name);
	tcase_add_test(tests, arrays_nest_outermost_first);
	tcase_add_test(tests, an_enum_has_its_values);
	tcase_add_test(tests, only_the_kernels_own_tags_count);
	tcase_add_test(tests, a_section_lists_variables_by_name);
	tcase_add_test(tests, the_deepest_layout_fits_a_release);
	tcase_add_test(tests, a_type_that_holds_itself_ends);
	tcase_add_test(tests, too_many_members_are_refused);
	tcase_add_test(tests, what_has_no_size_is_refused);
	tcase_add_test(tests, a_name_must_be_a_name);
	tcase_add_test(tests, equal_memory_gives_equal_layouts);
	tcase_add_test(tests, the_fingerprint_covers_what_it_says);
	suite_add_tcase(suite, tests);
	return suite;
}
