#include <stdio.h>
#include <string.h>

#include "check/sources.h"
#include "live.h"
#include "modules.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static const struct {
	const char *program, *need;
	const char *text; /* NULL: it does not ask */
} cases[] = {
	{"with_functions", "{'is':'()void','kfunc':'bpf_rcu_read_lock'}", "bpf_rcu_read_lock();"},
	{"with_functions", "{'is':'(int)int','kfunc':'bpf_made_up','weak':true}", "bpf_made_up(1);"},
	{"with_functions", "{'helper':'loop'}", "bpf_loop(3, each, &seen, 0);"},
	/* in functions that it calls, or that are called for it */
	{"with_functions", "{'helper':'get_prandom_u32'}", "return bpf_get_prandom_u32() + index == 7;"},
	{"through_a_function", "{'gpl':true,'helper':'probe_write_user'}",
	 "return bpf_probe_write_user(to, &seen, sizeof(seen));"},
	/* of the object as a whole */
	{NULL, "{'is':'()void','kfunc':'bpf_rcu_read_lock'}", "bpf_rcu_read_lock();"},
	{"frames", "{'helper':'loop'}", NULL},
	{"frames", "{'helper':'ktime_get_ns'}", NULL},
	{"nobody", "{'helper':'loop'}", NULL},
	{NULL, "{'helper':'ktime_get_ns'}", NULL},
};

/* The file has this text in that line; in a guest it is not there. */
static void stands_there(const json_t *source, const char *text)
{
	FILE *file = fopen(json_string_value(json_object_get(source, "file")), "r");
	json_int_t number = json_integer_value(json_object_get(source, "line"));
	char line[512] = "";
	ck_assert_int_gt(number, 0);
	for (json_int_t i = 0; file && i < number; i++)
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_msg(!file || strstr(line, text), "line %lld is: %s", (long long)number, line);
	if (file)
		fclose(file);
}

START_TEST(lines_are_those_that_ask)
{
	iov_auto(iov_sources_close) struct iov_sources *sources = NULL;
	iov_auto(iov_json_release) json_t *need = unit_json(cases[_i].need);
	iov_auto(iov_json_release) json_t *source = NULL;
	unit_ok(ctx, iov_sources_open(ctx, live_object("facts"), &sources));
	unit_ok(ctx, iov_sources_find(ctx, sources, cases[_i].program, need, &source));
	if (!cases[_i].text) {
		ck_assert_ptr_null(source);
		return;
	}
	ck_assert_ptr_nonnull(source);
	ck_assert_str_eq(json_string_value(json_object_get(source, "text")), cases[_i].text);
	stands_there(source, cases[_i].text);
}
END_TEST

START_TEST(programs_have_a_beginning)
{
	iov_auto(iov_sources_close) struct iov_sources *sources = NULL;
	iov_auto(iov_json_release) json_t *source = NULL;
	unit_ok(ctx, iov_sources_open(ctx, live_object("facts"), &sources));
	unit_ok(ctx, iov_sources_find(ctx, sources, "frames", NULL, &source));
	ck_assert_ptr_nonnull(source);
	ck_assert_ptr_null(json_object_get(source, "text"));
	ck_assert_int_gt(json_integer_value(json_object_get(source, "line")), 0);
}
END_TEST

/* A copy of the object in which this name of a section is another one. */
static char *without(const char *section)
{
	iov_auto(iov_buf_release) struct iov_buf object = {0};
	char *path = iov_path(ctx, "/without.bpf.o"), *found = NULL;
	ck_assert_int_eq(iov_fs_read(live_object("facts"), 1u << 20, &object), 0);
	for (size_t i = 0; i + strlen(section) < object.len; i++)
		if (!memcmp(object.data + i, section, strlen(section) + 1))
			found = object.data + i;
	ck_assert_ptr_nonnull(found);
	found[1] = 'X';
	ck_assert_int_eq(iov_fs_replace(path, object.data, object.len, 0644), 0);
	return path;
}

START_TEST(without_line_information_nothing_is_said)
{
	iov_auto(iov_free_ptr) char *path = without(".BTF.ext");
	iov_auto(iov_sources_close) struct iov_sources *sources = NULL;
	iov_auto(iov_json_release) json_t *need = unit_json("{'helper':'loop'}");
	json_t *source = NULL;
	unit_ok(ctx, iov_sources_open(ctx, path, &sources));
	unit_ok(ctx, iov_sources_find(ctx, sources, "with_functions", need, &source));
	ck_assert_ptr_null(source);
	unit_ok(ctx, iov_sources_find(ctx, sources, "with_functions", NULL, &source));
	ck_assert_ptr_null(source);
}
END_TEST

Suite *suite_check_sources(void)
{
	Suite *suite = suite_create("check/sources");
	TCase *tests = tcase_create("sources");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, lines_are_those_that_ask, 0, IOV_COUNT(cases));
	tcase_add_test(tests, programs_have_a_beginning);
	tcase_add_test(tests, without_line_information_nothing_is_said);
	suite_add_tcase(suite, tests);
	return suite;
}
