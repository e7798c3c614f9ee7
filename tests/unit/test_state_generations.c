#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"
#include "state/generations.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define KEY "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static void free_generation(struct iov_generation **generation)
{
	iov_generation_free(*generation);
}

static struct iov_release *release(const char *version)
{
	char manifest[300];
	snprintf(manifest, sizeof(manifest),
		 "{'schema':1,'name':'flow-top','version':'%s','summary':'A "
		 "test','license':'MIT','build':{'sources':['a.bpf.c']}}",
		 version);
	struct iov_release *made = unit_release(ctx, manifest, "{'license':'GPL','programs':[],'maps':[]}");
	made->registry = strdup("main");
	return made;
}

/* Generation `number` with flow-top in this version (NULL: empty), written. */
static void write_generation(uint64_t number, const char *version)
{
	iov_auto(free_generation) struct iov_generation *generation = calloc(1, sizeof(*generation));
	ck_assert_ptr_nonnull(generation);
	generation->number = number;
	if (version) {
		unit_ok(ctx, iov_generation_put_release(ctx, generation, release(version), KEY, "^1"));
		unit_put_instance(ctx, generation, "top", "flow-top", "{'iface':'eth0'}", "{'flows':'flow-table'}");
	}
	unit_ok(ctx, iov_generation_write(ctx, generation));
}

static void commit(uint64_t number, const char *version)
{
	write_generation(number, version);
	unit_ok(ctx, iov_generation_commit(ctx, number));
}

static uint64_t current_number(void)
{
	uint64_t number = 99;
	unit_ok(ctx, iov_generation_current_number(ctx, &number));
	return number;
}

static bool exists(const char *relative)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/%s", relative);
	return iov_fs_exists(path);
}

static void put_text(const char *relative, const char *text)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/%s", relative);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
}

static void assert_text(const char *relative, const char *expected)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/%s", relative);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(path, 10000, &text), 0);
	iov_auto(iov_json_release) json_t *found = json_loadb(text.data, text.len, 0, NULL);
	iov_auto(iov_json_release) json_t *wanted = unit_json(expected);
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(found);
	ck_assert_msg(json_equal(found, wanted), "%s", canonical);
}

START_TEST(a_fresh_host_is_generation_0)
{
	iov_auto(free_generation) struct iov_generation *generation = NULL;
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 9;
	uint64_t newest = 9;
	unit_ok(ctx, iov_generation_current(ctx, &generation));
	ck_assert_uint_eq(generation->number, 0);
	ck_assert_uint_eq(generation->n_installed + generation->n_instances, 0);
	unit_ok(ctx, iov_generation_numbers(ctx, &numbers, &count));
	ck_assert_uint_eq(count, 0);
	unit_ok(ctx, iov_generation_newest_number(ctx, &newest));
	ck_assert_uint_eq(newest, 0);
	unit_ok(ctx, iov_generation_collect(ctx));
	ck_assert(!exists("")); /* asking makes nothing */
}
END_TEST

START_TEST(what_was_written_is_read)
{
	iov_auto(free_generation) struct iov_generation *generation = NULL;
	write_generation(1, "1.2.0");
	ck_assert_uint_eq(current_number(), 0);
	unit_ok(ctx, iov_generation_commit(ctx, 1));
	ck_assert_uint_eq(current_number(), 1);
	unit_ok(ctx, iov_generation_current(ctx, &generation));
	ck_assert_uint_eq(generation->number, 1);
	const struct iov_installed *top = iov_generation_installed(generation, "flow-top");
	ck_assert_str_eq(top->release->manifest->version.text, "1.2.0");
	ck_assert_str_eq(top->release->registry, "main");
	ck_assert_str_eq(top->object, KEY);
	ck_assert_str_eq(top->requirement, "^1");
	const struct iov_instance *instance = iov_generation_instance(generation, "top");
	ck_assert_str_eq(instance->module, "flow-top");
	ck_assert(instance->wished);
	ck_assert_str_eq(json_string_value(json_object_get(instance->params, "iface")), "eth0");
	ck_assert_str_eq(json_string_value(json_object_get(instance->imports, "flows")), "flow-table");
}
END_TEST

START_TEST(the_files_are_as_documented)
{
	char lock[400];
	struct iov_release *made = release("1.2.0");
	snprintf(lock, sizeof(lock),
		 "{'schema':1,'generation':3,'releases':[{'name':'flow-top','version':'1.2.0','registry':'main','"
		 "sha256':'%s',"
		 "'object':'" KEY "','wished':true,'requirement':'^1'}]}",
		 made->sha256);
	iov_release_free(made);
	commit(3, "1.2.0");
	assert_text("generations/3/lock.json", lock);
	assert_text("current/instances.json",
		    "{'schema':1,'instances':[{'name':'top','module':'flow-top','params':{'iface':'eth0'},"
		    "'imports':{'flows':'flow-table'},'wished':true}]}");
}
END_TEST

START_TEST(an_attempt_is_written_over_but_the_current_never)
{
	iov_auto(free_generation) struct iov_generation *generation = NULL;
	commit(1, NULL);
	write_generation(2, NULL);
	write_generation(2, "1.2.0");
	unit_ok(ctx, iov_generation_read(ctx, 2, &generation));
	ck_assert_uint_eq(generation->n_installed, 1);
	generation->number = 1;
	unit_fails(ctx, iov_generation_write(ctx, generation), IOV_E_INTERNAL, "generation 1 cannot be written again");
	generation->number = 0;
	unit_fails(ctx, iov_generation_write(ctx, generation), IOV_E_INTERNAL, "generation 0 cannot be written again");
	unit_fails(ctx, iov_generation_remove(ctx, 1), IOV_E_INTERNAL, "generation 1 is current");
	unit_fails(ctx, iov_generation_commit(ctx, 7), IOV_E_INTERNAL, "generation 7 was not written");
	unit_ok(ctx, iov_generation_remove(ctx, 2));
	unit_ok(ctx, iov_generation_remove(ctx, 2));
	ck_assert_uint_eq(current_number(), 1);
}
END_TEST

START_TEST(numbers_are_in_order)
{
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	uint64_t newest = 0;
	write_generation(10, NULL);
	write_generation(9, NULL);
	put_text("generations/new/lock.json", "left by a crash");
	unit_ok(ctx, iov_generation_numbers(ctx, &numbers, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(numbers[0], 9);
	ck_assert_uint_eq(numbers[1], 10);
	unit_ok(ctx, iov_generation_newest_number(ctx, &newest));
	ck_assert_uint_eq(newest, 10);
}
END_TEST

START_TEST(what_killed_writers_left_is_in_nobodys_way)
{
	put_text("generations/new/lock.json", "half");
	put_text("generations/old/lock.json", "half");
	iov_auto(iov_free_ptr) char *link = iov_path(ctx, IOV_STATE "/current.new");
	ck_assert_int_eq(symlink("generations/7", link), 0);
	commit(1, "1.2.0");
	commit(2, NULL);
	unit_ok(ctx, iov_generation_remove(ctx, 1));
	ck_assert_uint_eq(current_number(), 2);
	ck_assert(!exists("generations/new") && !exists("generations/old") && !exists("current.new"));
}
END_TEST

START_TEST(old_generations_go_and_their_releases_with_them)
{
	struct iov_release *first = release("1.0.0"), *last = release("1.1.0");
	iov_auto(iov_free_ptr) char *first_dir = iov_path(ctx, IOV_STATE "/store/%s", first->sha256);
	iov_auto(iov_free_ptr) char *last_dir = iov_path(ctx, IOV_STATE "/store/%s", last->sha256);
	put_text("store/" KEY "/object.bpf.o", "built");
	put_text("store/new-" KEY "/object.bpf.o", "left by a crash");
	put_text("store/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd/object.bpf.o", "nobody's");
	commit(1, "1.0.0");
	for (uint64_t number = 2; number <= IOV_GENERATIONS_KEPT; number++)
		commit(number, "1.1.0");
	unit_ok(ctx, iov_generation_collect(ctx));
	ck_assert(exists("generations/1") && iov_fs_exists(first_dir));
	ck_assert(!exists("store/new-" KEY));
	ck_assert(!exists("store/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"));
	commit(IOV_GENERATIONS_KEPT + 1, "1.1.0");
	unit_ok(ctx, iov_generation_collect(ctx));
	ck_assert(!exists("generations/1") && !iov_fs_exists(first_dir));
	ck_assert(exists("generations/2") && iov_fs_exists(last_dir));
	ck_assert(exists("store/" KEY "/object.bpf.o"));
	iov_release_free(first);
	iov_release_free(last);
}
END_TEST

START_TEST(the_current_generation_is_kept_however_old)
{
	commit(1, NULL);
	for (uint64_t number = 2; number <= IOV_GENERATIONS_KEPT + 2; number++)
		write_generation(number, NULL);
	unit_ok(ctx, iov_generation_collect(ctx));
	ck_assert(exists("generations/1") && !exists("generations/2") && exists("generations/3"));
}
END_TEST

/* What cannot be read may name anything, so nothing of the store goes. */
START_TEST(a_damaged_generation_stops_the_collection)
{
	commit(1, NULL);
	put_text("generations/2/lock.json", "{");
	put_text("store/" KEY "/object.bpf.o", "built");
	unit_fails(ctx, iov_generation_collect(ctx), IOV_E_INPUT, "not valid JSON");
	ck_assert(exists("store/" KEY));
}
END_TEST

/* The newest names the whole store, so what the others name decides nothing and they are not read. */
START_TEST(older_generations_are_read_only_where_something_may_go)
{
	iov_release_free(release("1.0.0"));
	put_text("generations/1/lock.json", "{");
	commit(2, "1.0.0");
	unit_ok(ctx, iov_generation_collect(ctx));
	put_text("store/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd/object.bpf.o", "nobody's");
	unit_fails(ctx, iov_generation_collect(ctx), IOV_E_INPUT, "not valid JSON");
	ck_assert(exists("store/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"));
}
END_TEST

static const struct {
	const char *lock, *instances;
	enum iov_code code;
	const char *words;
} damaged[] = {
	{"{'schema':2}", NULL, IOV_E_UNSUPPORTED, "lock.json' has schema 2, this iovpkg reads 1"},
	{"{'schema':1,'generation':7,'releases':[]}", NULL, IOV_E_INPUT, "lock.json' is of generation 7"},
	{"{'schema':1,'generation':1,'releases':[{'name':'x','version':'1.0.0','sha256':'" KEY
	 "','object':'','wished':false}]}",
	 NULL, IOV_E_NOT_FOUND, "'iovpkg install' fetches it again"},
	{"{'schema':1,'generation':1,'releases':[{'name':'x','version':'1.0.0','sha256':'../"
	 "..','object':'','wished':false}]}",
	 NULL, IOV_E_INPUT, "module 'x' has no sound SHA-256"},
	{"{'schema':1,'generation':1,'releases':[{'name':'x','version':'1.0.0','sha256':'" KEY
	 "','object':'','wished':true}]}",
	 NULL, IOV_E_INPUT, "must have a requirement when it is wished"},
	{NULL, "{'schema':1}", IOV_E_INPUT, "instances.json has no 'instances'"},
	{NULL, "{'schema':1,'instances':[{'name':'../x','module':'x','params':{},'imports':{},'wished':true}]}",
	 IOV_E_INPUT, "'../x' cannot name an instance"},
	{NULL, "{'schema':1,'instances':[{'name':'x','module':'x','params':{'iface':7},'imports':{},'wished':true}]}",
	 IOV_E_INPUT, "'iface' of 'params' is not a string"},
};

START_TEST(damage_is_named)
{
	struct iov_generation *generation = NULL;
	commit(1, NULL);
	const char *file = damaged[_i].lock ? "generations/1/lock.json" : "generations/1/instances.json";
	iov_auto(iov_json_release) json_t *json =
		unit_json(damaged[_i].lock ? damaged[_i].lock : damaged[_i].instances);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(json);
	put_text(file, text);
	unit_fails(ctx, iov_generation_current(ctx, &generation), damaged[_i].code, damaged[_i].words);
	ck_assert_ptr_null(generation);
}
END_TEST

START_TEST(a_release_under_a_false_name_is_refused)
{
	struct iov_release *made = release("1.2.0");
	struct iov_generation *generation = NULL;
	char lock[400];
	snprintf(lock, sizeof(lock),
		 "{\"schema\":1,\"generation\":1,\"releases\":[{\"name\":\"flow-top\",\"version\":\"1.3.0\",\"sha256\":"
		 "\"%s\","
		 "\"object\":\"\",\"wished\":false}]}",
		 made->sha256);
	iov_release_free(made);
	commit(1, NULL);
	put_text("generations/1/lock.json", lock);
	unit_fails(ctx, iov_generation_current(ctx, &generation), IOV_E_UNTRUSTED,
		   "names 'flow-top' 1.3.0, but the store has 'flow-top' 1.2.0");
}
END_TEST

START_TEST(missing_and_misnamed)
{
	struct iov_generation *generation = NULL;
	uint64_t number;
	iov_auto(iov_free_ptr) char *current = iov_path(ctx, IOV_STATE "/current");
	unit_fails(ctx, iov_generation_read(ctx, 5, &generation), IOV_E_NOT_FOUND,
		   "generation 5 is not kept; 'iovpkg list' shows those that are");
	put_text("x", "");
	ck_assert_int_eq(symlink("../../etc", current), 0);
	unit_fails(ctx, iov_generation_current_number(ctx, &number), IOV_E_INPUT, "current' names no generation");
	ck_assert_int_eq(unlink(current), 0);
	ck_assert_int_eq(symlink("generations/01", current), 0);
	unit_fails(ctx, iov_generation_current_number(ctx, &number), IOV_E_INPUT, "current' names no generation");
}
END_TEST

Suite *suite_state_generations(void)
{
	Suite *suite = suite_create("state_generations");
	TCase *tests = tcase_create("generations");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_fresh_host_is_generation_0);
	tcase_add_test(tests, what_was_written_is_read);
	tcase_add_test(tests, the_files_are_as_documented);
	tcase_add_test(tests, an_attempt_is_written_over_but_the_current_never);
	tcase_add_test(tests, numbers_are_in_order);
	tcase_add_test(tests, what_killed_writers_left_is_in_nobodys_way);
	tcase_add_test(tests, old_generations_go_and_their_releases_with_them);
	tcase_add_test(tests, the_current_generation_is_kept_however_old);
	tcase_add_test(tests, a_damaged_generation_stops_the_collection);
	tcase_add_test(tests, older_generations_are_read_only_where_something_may_go);
	tcase_add_loop_test(tests, damage_is_named, 0, IOV_COUNT(damaged));
	tcase_add_test(tests, a_release_under_a_false_name_is_refused);
	tcase_add_test(tests, missing_and_misnamed);
	suite_add_tcase(suite, tests);
	return suite;
}
