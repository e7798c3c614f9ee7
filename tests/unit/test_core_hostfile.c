#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "core/hostfile.h"
#include "util/cleanup.h"
#include "util/fs.h"

static char path[512];

static int read_as(struct iov_ctx *ctx, const char *name, const char *text, struct iov_hostfile *ret)
{
	snprintf(path, sizeof(path), "%s/%s", ctx->root, name);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
	return iov_hostfile_read(ctx, path, ret);
}

START_TEST(reads_every_key)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_hostfile_release) struct iov_hostfile host = {0};
	unit_ok(ctx,
		read_as(ctx, "edge.yaml",
			"schema: 1\n"
			"registries:\n"
			"  main:\n"
			"    url: https://example.org/modules.git\n"
			"    fingerprint: 3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a\n"
			"modules: {flow-count: ^1.0, flow-top: '*'}\n"
			"instances:\n"
			"  flow-top: {}\n"
			"  uplink: {module: flow-count, params: {iface: eth1, slots: 7}, imports: {flows: shared}}\n",
			&host));
	ck_assert_uint_eq(json_object_size(host.registries), 1);
	ck_assert_str_eq(json_string_value(json_object_get(host.modules, "flow-count")), "^1.0");
	const json_t *uplink = json_object_get(host.instances, "uplink");
	ck_assert_str_eq(iov_hostfile_module("uplink", uplink), "flow-count");
	ck_assert_str_eq(iov_hostfile_module("flow-top", json_object_get(host.instances, "flow-top")), "flow-top");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(uplink, "params"), "slots")), "7");
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(names_the_lock)
{
	static const char *const names[][2] = {{"host.yaml", "host.lock.json"},
					       {"host.yml", "host.lock.json"},
					       {"host", "host.lock.json"},
					       {".yaml", ".yaml.lock.json"},
					       {"a.b.yaml", "a.b.lock.json"}};
	struct iov_ctx *ctx = unit_ctx();
	for (size_t i = 0; i < IOV_COUNT(names); i++) {
		iov_auto(iov_hostfile_release) struct iov_hostfile host = {0};
		unit_ok(ctx, read_as(ctx, names[i][0], "schema: 1\nmodules: {top: ^1}\n", &host));
		ck_assert_str_eq(strrchr(host.lock, '/') + 1, names[i][1]);
	}
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(refuses_what_is_wrong)
{
	static const char *const wrong[][2] = {
		{"schema: 1\n", "'modules' is missing"},
		{"modules: {top: ^1}\n", "'schema' is missing"},
		{"schema: 2\nmodules: {top: ^1}\n", ":1:9:"},
		{"schema: 1\nmodules: {Top: ^1}\n", "'Top'"},
		{"schema: 1\nmodules: {top: newest}\n", "newest"},
		{"schema: 1\nmodules: {top: ^1}\ninstance: {top: {}}\n", "did you mean 'instances'?"},
		{"schema: 1\nmodules: {top: ^1}\ninstances: {top: {param: {a: b}}}\n", "did you mean 'params'?"},
		{"schema: 1\nmodules: {top: ^1}\nregistries: {main: {url: x, fingerprint: 12}}\n",
		 "64 hexadecimal digits"},
		{"schema: 1\nmodules: {top: ^1}\nregistries: {main: {url: x}}\n", "fingerprint"},
		{"schema: 1\nmodules: {top: ^1, top: ^2}\n", "top"},
		{"", ""},
	};
	struct iov_ctx *ctx = unit_ctx();
	for (size_t i = 0; i < IOV_COUNT(wrong); i++) {
		struct iov_hostfile host = {0};
		unit_fails(ctx, read_as(ctx, "host.yaml", wrong[i][0], &host), IOV_E_INPUT, wrong[i][1]);
		ck_assert_ptr_null(host.json);
	}
	struct iov_hostfile host;
	unit_fails(ctx, iov_hostfile_read(ctx, "/nowhere/host.yaml", &host), IOV_E_NOT_FOUND, "/nowhere/host.yaml");
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_core_hostfile(void)
{
	Suite *suite = suite_create("core_hostfile");
	TCase *cases = tcase_create("hostfile");
	tcase_add_test(cases, reads_every_key);
	tcase_add_test(cases, names_the_lock);
	tcase_add_test(cases, refuses_what_is_wrong);
	suite_add_tcase(suite, cases);
	return suite;
}
