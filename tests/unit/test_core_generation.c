#include <stdio.h>
#include <string.h>

#include "core/generation.h"
#include "modules.h"
#include "util/cleanup.h"

#define KEY "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct iov_ctx *ctx;
static struct iov_generation generation;

static void setup(void)
{
	ctx = unit_ctx();
	generation = (struct iov_generation){.number = 4};
}

static void empty(void)
{
	while (generation.n_installed)
		iov_generation_drop_release(&generation, generation.installed[0].release->manifest->name);
	while (generation.n_instances)
		iov_generation_drop_instance(&generation, generation.instances[0].name);
	free(generation.installed);
	free(generation.instances);
}

static void teardown(void)
{
	empty();
	unit_ctx_free(ctx);
}

static struct iov_release *release(const char *name, const char *version)
{
	char manifest[300];
	snprintf(manifest, sizeof(manifest),
		 "{'schema':1,'name':'%s','version':'%s','summary':'A "
		 "test','license':'MIT','build':{'sources':['a.bpf.c']}}",
		 name, version);
	return unit_release(ctx, manifest, "{'license':'GPL','programs':[],'maps':[]}");
}

static void put(const char *name, const char *version, const char *key, const char *requirement)
{
	unit_ok(ctx, iov_generation_put_release(ctx, &generation, release(name, version), key, requirement));
}

START_TEST(releases_are_sorted_and_found)
{
	put("m", "1.0.0", "", NULL);
	put("z", "1.0.0", "", NULL);
	put("a", "1.0.0", KEY, "^1");
	ck_assert_uint_eq(generation.n_installed, 3);
	ck_assert_str_eq(generation.installed[0].release->manifest->name, "a");
	ck_assert_str_eq(generation.installed[1].release->manifest->name, "m");
	ck_assert_str_eq(generation.installed[2].release->manifest->name, "z");
	const struct iov_installed *a = iov_generation_installed(&generation, "a");
	ck_assert_str_eq(a->object, KEY);
	ck_assert(a->wished);
	ck_assert_str_eq(a->requirement, "^1");
	const struct iov_installed *m = iov_generation_installed(&generation, "m");
	ck_assert(!m->wished);
	ck_assert_ptr_null(m->requirement);
	ck_assert_ptr_null(iov_generation_installed(&generation, "b"));
	ck_assert_ptr_null(iov_generation_installed(&generation, "zz"));
}
END_TEST

START_TEST(putting_again_replaces)
{
	put("m", "1.0.0", "", "*");
	put("m", "2.0.0", KEY, NULL);
	ck_assert_uint_eq(generation.n_installed, 1);
	ck_assert_str_eq(generation.installed[0].release->manifest->version.text, "2.0.0");
	ck_assert(!generation.installed[0].wished);
}
END_TEST

START_TEST(dropping_closes_the_gap)
{
	put("a", "1.0.0", "", NULL);
	put("m", "1.0.0", "", NULL);
	put("z", "1.0.0", "", NULL);
	iov_generation_drop_release(&generation, "m");
	iov_generation_drop_release(&generation, "m");
	ck_assert_uint_eq(generation.n_installed, 2);
	ck_assert_str_eq(generation.installed[1].release->manifest->name, "z");
}
END_TEST

START_TEST(instances_are_copied)
{
	unit_put_instance(ctx, &generation, "second", "m", "{'iface':'eth1'}", "{}");
	unit_put_instance(ctx, &generation, "first", "m", "{'iface':'eth0'}", "{'flows':'table'}");
	unit_put_instance(ctx, &generation, "second", "m", "{'iface':'eth2'}", "{}");
	ck_assert_uint_eq(generation.n_instances, 2);
	ck_assert_str_eq(generation.instances[0].name, "first");
	const struct iov_instance *second = iov_generation_instance(&generation, "second");
	ck_assert_str_eq(json_string_value(json_object_get(second->params, "iface")), "eth2");
	/* what is put may be borrowed from what it replaces */
	unit_ok(ctx, iov_generation_put_instance(ctx, &generation, second));
	ck_assert_str_eq(iov_generation_instance(&generation, "second")->module, "m");
	iov_generation_drop_instance(&generation, "first");
	iov_generation_drop_instance(&generation, "first");
	ck_assert_uint_eq(generation.n_instances, 1);
	ck_assert_ptr_null(iov_generation_instance(&generation, "first"));
}
END_TEST

START_TEST(a_copy_is_the_next_one_and_its_own)
{
	struct iov_generation *copy = NULL;
	put("m", "1.0.0", KEY, "^1");
	unit_put_instance(ctx, &generation, "m", "m", "{'iface':'eth1'}", "{}");
	unit_ok(ctx, iov_generation_copy(ctx, &generation, &copy));
	ck_assert_uint_eq(copy->number, 5);
	json_object_set_new(copy->instances[0].params, "iface", json_string("eth9"));
	ck_assert_str_eq(json_string_value(json_object_get(generation.instances[0].params, "iface")), "eth1");
	empty();
	generation = (struct iov_generation){0};
	ck_assert_str_eq(copy->installed[0].release->manifest->name, "m");
	ck_assert_str_eq(copy->installed[0].requirement, "^1");
	ck_assert_str_eq(copy->installed[0].object, KEY);
	iov_generation_free(copy);
	iov_generation_free(NULL);
}
END_TEST

START_TEST(refuses_long_keys)
{
	unit_fails(ctx, iov_generation_put_release(ctx, &generation, release("m", "1.0.0"), KEY "c", NULL),
		   IOV_E_INTERNAL, "is too long");
	ck_assert_uint_eq(generation.n_installed, 0);
}
END_TEST

Suite *suite_core_generation(void)
{
	Suite *suite = suite_create("core_generation");
	TCase *tests = tcase_create("generation");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, releases_are_sorted_and_found);
	tcase_add_test(tests, putting_again_replaces);
	tcase_add_test(tests, dropping_closes_the_gap);
	tcase_add_test(tests, instances_are_copied);
	tcase_add_test(tests, a_copy_is_the_next_one_and_its_own);
	tcase_add_test(tests, refuses_long_keys);
	suite_add_tcase(suite, tests);
	return suite;
}
