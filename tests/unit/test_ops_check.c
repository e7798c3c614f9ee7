#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "hosts.h"
#include "live.h"
#include "modules.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define LIVE_BTF "/sys/kernel/btf/vmlinux"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static json_t *check(const char *subject, const char *against)
{
	char *text = NULL;
	unit_ok(ctx, iov_check(ctx, subject, &against, 1, &text));
	json_t *answer = json_loads(text, 0, NULL);
	free(text);
	ck_assert_ptr_nonnull(answer);
	return answer;
}

static const char *verdict_of(const json_t *answer)
{
	return json_string_value(json_object_get(answer, "verdict"));
}

/* The kernel's BTF as a file, with these facts beside it; NULL: without. */
static char *kernel_file(const char *facts)
{
	iov_auto(iov_buf_release) struct iov_buf btf = {0};
	iov_auto(iov_free_ptr) char *beside = iov_path(ctx, "/k.json");
	char *path = iov_path(ctx, "/k.btf");
	ck_assert_int_eq(iov_fs_read(LIVE_BTF, 64u << 20, &btf), 0);
	ck_assert_int_eq(iov_fs_replace(path, btf.data, btf.len, 0644), 0);
	if (!facts)
		return path;
	iov_auto(iov_json_release) json_t *json = unit_json(facts);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(json);
	ck_assert_int_eq(iov_fs_replace(beside, text, strlen(text), 0644), 0);
	return path;
}

#define KERNEL                                                                                                         \
	"{'schema':%s,'release':'9.9','modules':[],'helpers':[],'maps':['array'],'no_maps':[],'no_programs':[],"       \
	"'programs':[{'kinds':['raw_tracepoint'],'helpers':['map_update_elem','probe_read_kernel','get_current_task'%" \
	"s]}]}"

static char *kernel_with(const char *schema, const char *helpers)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, KERNEL, schema, helpers);
	return kernel_file(text.data);
}

/* Is a reason about this line of source? */
static bool has_source(const json_t *answer, const char *text)
{
	const json_t *kernel = json_array_get(json_object_get(answer, "kernels"), 0);
	size_t i;
	json_t *reason;
	json_array_foreach(json_object_get(kernel, "reasons"), i, reason) {
		const char *found = json_string_value(json_object_get(json_object_get(reason, "source"), "text"));
		if (found && !strcmp(found, text))
			return true;
	}
	return false;
}

START_TEST(an_object_is_checked_against_files)
{
	if (access(LIVE_BTF, R_OK))
		return;
	iov_auto(iov_free_ptr) char *path = kernel_with("1", "");
	iov_auto(iov_json_release) json_t *answer = check(live_object("core"), path);
	const json_t *kernel = json_array_get(json_object_get(answer, "kernels"), 0);
	ck_assert_str_eq(verdict_of(answer), "yes");
	ck_assert_str_eq(json_string_value(json_object_get(kernel, "kernel")), "9.9");
	ck_assert(json_is_null(json_object_get(answer, "version")));
	iov_auto(iov_json_release) json_t *hard = check(live_object("facts"), path);
	ck_assert_str_eq(verdict_of(hard), "no");
	ck_assert(has_source(hard, "bpf_rcu_read_lock();"));
}
END_TEST

START_TEST(without_facts_nobody_can_tell)
{
	if (access(LIVE_BTF, R_OK))
		return;
	iov_auto(iov_free_ptr) char *path = kernel_file(NULL);
	iov_auto(iov_json_release) json_t *answer = check(live_object("core"), path);
	ck_assert_str_eq(verdict_of(answer), "cannot tell");
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(json_object_get(answer, "kernels"), 0), "kernel")),
		"k");
}
END_TEST

/* These releases are from before there were facts. */
START_TEST(installed_modules_are_checked)
{
	if (access(LIVE_BTF, R_OK))
		return;
	iov_auto(iov_free_ptr) char *path = kernel_file(NULL);
	host_reach(ctx, HOST_INSTALLED);
	iov_auto(iov_json_release) json_t *answer = check("flow-count", path);
	ck_assert_str_eq(verdict_of(answer), "cannot tell");
	ck_assert_str_eq(json_string_value(json_object_get(answer, "version")), "1.0.0");
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
	char *text = NULL;
	const char *against = "/nowhere.btf";
	ck_assert_int_eq(iov_check(ctx, "nope", &against, 1, &text), IOV_E_NOT_FOUND);
	unit_fails(ctx, iov_check(ctx, live_object("core"), &against, 1, &text), IOV_E_IO,
		   "cannot read the kernel's types (BTF) '/nowhere.btf'");
	if (access(LIVE_BTF, R_OK))
		return;
	iov_auto(iov_free_ptr) char *path = kernel_with("2", "");
	against = path;
	unit_fails(ctx, iov_check(ctx, live_object("core"), &against, 1, &text), IOV_E_INPUT,
		   "is of schema 2, which this iovpkg does not know");
	ck_assert_ptr_null(text);
}
END_TEST

Suite *suite_ops_check(void)
{
	Suite *suite = suite_create("ops/check");
	TCase *tests = tcase_create("check");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, an_object_is_checked_against_files);
	tcase_add_test(tests, without_facts_nobody_can_tell);
	tcase_add_test(tests, installed_modules_are_checked);
	tcase_add_test(tests, what_is_not_there_is_told);
	suite_add_tcase(suite, tests);
	return suite;
}
