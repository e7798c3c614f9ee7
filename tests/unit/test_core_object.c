#include <stdio.h>
#include <string.h>

#include "core/object.h"
#include "modules.h"
#include "util/cleanup.h"

#define A "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define B "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'"
#define MAP(type, value_size, fingerprint, layout)                                                                     \
	"{'name':'flows','type':'" type "','key_size':4,'value_size':" value_size ",'max_entries':8,'flags':0,"        \
	"'layout':" layout ",'fingerprint':" fingerprint "}"
#define PROGRAM "{'name':'count_in','section':'tcx/ingress','type':'sched_cls','autoload':false}"
#define OBJECT(maps) "{'license':'GPL','programs':[" PROGRAM "],'maps':[" maps "]}"

#define PACKETS "{'name':'packets','offset':0,'type':'u64'}"
#define BYTES "{'name':'bytes','offset':64,'type':'u64'}"
#define SWAPPED "{'name':'bytes','offset':0,'type':'u64'},{'name':'packets','offset':64,'type':'u64'}"
#define STRUCT(size, members) "{'key':'u32','value':{'kind':'struct','size':" size ",'members':[" members "]}}"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static int read_object(const char *text, struct iov_object **ret)
{
	iov_auto(iov_json_release) json_t *json = unit_json(text);
	return iov_object_from_json(ctx, json, ret);
}

START_TEST(reads_every_member)
{
	struct iov_object *object = NULL;
	unit_ok(ctx, read_object(OBJECT(MAP("hash", "16", A, STRUCT("16", PACKETS "," BYTES))), &object));
	ck_assert_str_eq(object->license, "GPL");
	const struct iov_object_program *program = iov_object_find_program(object, "count_in");
	ck_assert_str_eq(program->section, "tcx/ingress");
	ck_assert_str_eq(program->type, "sched_cls");
	ck_assert(!program->autoload);
	const struct iov_object_map *map = iov_object_find_map(object, "flows");
	ck_assert_str_eq(map->type, "hash");
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->value_size, 16);
	ck_assert_uint_eq(map->max_entries, 8);
	ck_assert_uint_eq(strlen(map->fingerprint), 64);
	ck_assert_str_eq(json_string_value(json_object_get(map->layout, "key")), "u32");
	ck_assert_ptr_null(iov_object_find_map(object, "flow"));
	ck_assert_ptr_null(iov_object_find_program(object, "count_out"));
	iov_object_free(object);
	iov_object_free(NULL);
}
END_TEST

static const struct {
	const char *text, *words;
} refused[] = {
	{"{'programs':[],'maps':[]}", "object has no 'license'"},
	{"{'license':'GPL','maps':[]}", "object has no 'programs'"},
	{"{'license':'GPL','programs':[1],'maps':[]}", "a program of the object is not an object"},
	{"{'license':'GPL','programs':[{'name':'x','section':'xdp'}],'maps':[]}",
	 "a program of the object has no 'type'"},
	{OBJECT("{'name':'x','type':'hash','key_size':4294967296}"), "'key_size' does not fit 32 bits"},
	{OBJECT(MAP("hash", "-1", A, "{}")), "'value_size' is not a whole number of zero or more"},
	{OBJECT(MAP("hash", "1", "'abc'", "{}")), "map 'flows' of the object: 'fingerprint' is not a SHA-256"},
	{OBJECT(MAP("hash", "1", A, "[]")), "'layout' is not an object"},
	{OBJECT(MAP("ha\\u001bsh", "1", A, "{}")), "object has a name that is not printable ASCII"},
	{OBJECT(MAP("hash", "1", A, "{'key':{'\xc3\xa9':1}}")), "object has a name that is not printable ASCII"},
};

START_TEST(refuses)
{
	struct iov_object *object = NULL;
	unit_fails(ctx, read_object(refused[_i].text, &object), IOV_E_INPUT, refused[_i].words);
	ck_assert_ptr_null(object);
}
END_TEST

/* Does a module built for `wanted` get along with `exported`? */
static const struct {
	const char *exported, *wanted;
	bool reader, writer;
} contracts[] = {
	/* the same fingerprint */
	{MAP("hash", "16", A, "{}"), MAP("hash", "16", A, "{}"), true, true},
	/* a field appended */
	{MAP("hash", "16", A, STRUCT("16", PACKETS "," BYTES)), MAP("hash", "8", B, STRUCT("8", PACKETS)), true, false},
	/* a field gone */
	{MAP("hash", "8", A, STRUCT("8", PACKETS)), MAP("hash", "16", B, STRUCT("16", PACKETS "," BYTES)), false,
	 false},
	/* fields that changed places */
	{MAP("hash", "16", A, STRUCT("16", SWAPPED)), MAP("hash", "16", B, STRUCT("16", PACKETS "," BYTES)), false,
	 false},
	/* another type of map */
	{MAP("array", "16", A, STRUCT("16", PACKETS "," BYTES)), MAP("hash", "8", B, STRUCT("8", PACKETS)), false,
	 false},
	/* sizes alone prove nothing */
	{MAP("hash", "16", A, "{}"), MAP("hash", "8", B, "{}"), false, false},
	{MAP("hash", "16", A, "{'key':'u32','value':'u128'}"), MAP("hash", "8", B, "{'key':'u32','value':'u64'}"),
	 false, false},
};

START_TEST(who_may_use_a_map)
{
	struct iov_object *exported = NULL, *wanted = NULL;
	char text[2048];
	snprintf(text, sizeof(text), "{'license':'GPL','programs':[],'maps':[%s]}", contracts[_i].exported);
	unit_ok(ctx, read_object(text, &exported));
	snprintf(text, sizeof(text), "{'license':'GPL','programs':[],'maps':[%s]}", contracts[_i].wanted);
	unit_ok(ctx, read_object(text, &wanted));
	ck_assert_int_eq(iov_object_map_serves(&exported->maps[0], &wanted->maps[0], true), contracts[_i].reader);
	ck_assert_int_eq(iov_object_map_serves(&exported->maps[0], &wanted->maps[0], false), contracts[_i].writer);
	iov_object_free(exported);
	iov_object_free(wanted);
}
END_TEST

static char *compare(const char *left, const char *right)
{
	iov_auto(iov_json_release) json_t *one = unit_json(left);
	iov_auto(iov_json_release) json_t *other = unit_json(right);
	char *text = iov_layout_compare_text("flow-table 2.0.0", one, "flow-top 1.2.0", other);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(layouts_stand_side_by_side)
{
	iov_auto(iov_free_ptr) char *text = compare(STRUCT("16", SWAPPED), STRUCT("16", PACKETS "," BYTES));
	ck_assert_str_eq(text, "  flow-table 2.0.0                | flow-top 1.2.0\n"
			       "  key                             | key\n"
			       "       0      4  u32              |      0      4  u32\n"
			       "  value                           | value\n"
			       "       0     16  struct           |      0     16  struct\n"
			       "!      0      8  u64      bytes   |      0      8  u64      packets\n"
			       "!      8      8  u64      packets |      8      8  u64      bytes\n");
}
END_TEST

START_TEST(layouts_of_unequal_length)
{
	iov_auto(iov_free_ptr) char *text = compare(STRUCT("16", PACKETS "," BYTES), STRUCT("8", PACKETS));
	ck_assert_ptr_nonnull(strstr(text, "!      0     16  struct           |      0      8  struct\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n!      8      8  u64      bytes   |\n"));
}
END_TEST

START_TEST(every_kind_of_type_has_a_row)
{
	iov_auto(iov_free_ptr) char *text = compare(
		"{'key':{'kind':'array','count':2,'of':{'kind':'array','count':3,'of':'u16'}},"
		"'value':{'kind':'union','size':40,'members':["
		"{'name':'pos','offset':64,'type':{'kind':'struct','size':8,'members':["
		"{'name':'x','offset':0,'type':'s32'},{'name':'flag','offset':35,'bits':3,'type':'u32'}]}},"
		"{'offset':128,'type':{'kind':'struct','size':4,'members':[{'name':'inside','offset':0,'type':'f32'}]}}"
		","
		"{'name':'state','offset':192,'type':{'kind':'enum','size':4,'values':{'DOWN':-1}}},"
		"{'name':'lock','offset':224,'type':{'kind':'struct','size':4,'name':'bpf_spin_lock','members':[]}},"
		"{'name':'dev','offset':256,'type':'pointer'}]}}",
		"{'inner':{'type':'hash','key_size':4,'value_size':8,'flags':1,'key':'bool'}}");
	static const char *const rows[] = {
		"!      0     12  u16[2][3] ",
		"!      8      4  s32      pos.x ",
		"!   12.3 3 bits  u32      pos.flag ",
		"!     16      4  f32      inside ",
		"!     24      4  enum     state ",
		"!                  DOWN = -1 ",
		"!     28      4  struct bpf_spin_lock lock",
		"!     32      8  pointer  dev ",
		"| key: no type known\n",
		"| inner maps: hash, key 4, value 8, flags 1\n",
		"|      0      1  bool\n",
	};
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		ck_assert_msg(strstr(text, rows[i]), "'%s' is not in\n%s", rows[i], text);
}
END_TEST

Suite *suite_core_object(void)
{
	Suite *suite = suite_create("core_object");
	TCase *tests = tcase_create("object");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, reads_every_member);
	tcase_add_loop_test(tests, refuses, 0, IOV_COUNT(refused));
	tcase_add_loop_test(tests, who_may_use_a_map, 0, IOV_COUNT(contracts));
	tcase_add_test(tests, layouts_stand_side_by_side);
	tcase_add_test(tests, layouts_of_unequal_length);
	tcase_add_test(tests, every_kind_of_type_has_a_row);
	suite_add_tcase(suite, tests);
	return suite;
}
