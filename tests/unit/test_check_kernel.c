#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/kernel.h"
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

static bool can_probe(void)
{
	return !geteuid() && !access("/sys/kernel/btf/vmlinux", R_OK);
}

static bool lists(const json_t *list, const char *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (!strcmp(json_string_value(item), word))
			return true;
	}
	return false;
}

static const json_t *helpers_of(const json_t *facts, const char *kind)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(facts, "programs"), i, group) {
		if (lists(json_object_get(group, "kinds"), kind))
			return json_object_get(group, "helpers");
	}
	return NULL;
}

START_TEST(the_running_kernel_tells)
{
	iov_auto(iov_json_release) json_t *facts = NULL;
	if (!can_probe())
		return;
	unit_ok(ctx, iov_kernel_facts(ctx, &facts));
	ck_assert(lists(json_object_get(facts, "maps"), "hash"));
	const json_t *xdp = helpers_of(facts, "xdp/xdp");
	ck_assert(lists(xdp, "redirect_map"));
	ck_assert(lists(json_object_get(facts, "helpers"), "map_lookup_elem"));
	ck_assert(!lists(xdp, "map_lookup_elem"));
	ck_assert(!lists(xdp, "skb_store_bytes"));
	ck_assert(lists(helpers_of(facts, "sched_cls"), "skb_store_bytes"));
	ck_assert(!lists(helpers_of(facts, "tracepoint"), "skb_store_bytes"));
}
END_TEST

static char *cache_path(void)
{
	char build[IOV_HEX_SIZE];
	ck_assert(iov_kernel_build(build));
	return iov_path(ctx, IOV_CACHE "/facts/%.*s", IOV_KERNEL_BUILD_DIGITS, build);
}

START_TEST(what_was_tried_is_kept)
{
	iov_auto(iov_json_release) json_t *facts = NULL;
	iov_auto(iov_json_release) json_t *again = NULL;
	if (!can_probe())
		return;
	iov_auto(iov_free_ptr) char *path = cache_path();
	unit_ok(ctx, iov_kernel_facts(ctx, &facts));
	json_object_set_new(facts, "release", json_string("from the cache"));
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(facts);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
	unit_ok(ctx, iov_kernel_facts(ctx, &again));
	ck_assert_str_eq(json_string_value(json_object_get(again, "release")), "from the cache");
}
END_TEST

START_TEST(a_damaged_cache_is_made_anew)
{
	iov_auto(iov_json_release) json_t *facts = NULL;
	if (!can_probe())
		return;
	iov_auto(iov_free_ptr) char *path = cache_path();
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, "{\"schema\":1}", 12, 0644), 0);
	unit_ok(ctx, iov_kernel_facts(ctx, &facts));
	ck_assert(lists(json_object_get(facts, "maps"), "hash"));
}
END_TEST

static const struct {
	const char *btf, *json, *words;
} files[] = {
	{NULL, NULL, "cannot read the kernel's types (BTF) '"},
	{"no BTF", NULL, "is not the BTF of a kernel"},
};

START_TEST(what_is_no_btf_is_refused)
{
	iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/k.btf");
	if (files[_i].btf)
		ck_assert_int_eq(iov_fs_replace(path, files[_i].btf, strlen(files[_i].btf), 0644), 0);
	ck_assert_int_ne(iov_kernel_open(ctx, path, &kernel), IOV_OK);
	ck_assert_msg(strstr(iov_error_text(ctx), files[_i].words), "%s", iov_error_text(ctx));
}
END_TEST

Suite *suite_check_kernel(void)
{
	Suite *suite = suite_create("check/kernel");
	TCase *tests = tcase_create("kernel");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_running_kernel_tells);
	tcase_add_test(tests, what_was_tried_is_kept);
	tcase_add_test(tests, a_damaged_cache_is_made_anew);
	tcase_add_loop_test(tests, what_is_no_btf_is_refused, 0, IOV_COUNT(files));
	suite_add_tcase(suite, tests);
	return suite;
}
