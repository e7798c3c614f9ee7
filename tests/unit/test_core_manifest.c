#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hostfile.h"
#include "core/manifest.h"
#include "credentials/entries.h"
#include "util/nearest.h"
#include "util/cleanup.h"
#include "util/fs.h"

static char *read_text(const char *path)
{
	struct iov_buf text = {0};
	ck_assert_msg(iov_fs_read(path, 1 << 20, &text) == 0, "cannot read %s", path);
	return iov_buf_take(&text);
}

static void release(struct iov_manifest **manifest)
{
	iov_manifest_free(*manifest);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* Runs a check on every file of a folder below tests/manifest with this ending; at least `least` must be there. */
static void walk(const char *folder, const char *ending, unsigned least,
		 void (*check)(struct iov_ctx *ctx, const char *path))
{
	struct iov_ctx *ctx = unit_ctx();
	char dir[512], path[1024];
	char **names = NULL;
	size_t count = 0;
	unsigned run = 0;
	snprintf(dir, sizeof(dir), "%s/%s", unit_data("manifest"), folder);
	ck_assert_int_eq(iov_fs_names(dir, &names, &count), 0);
	for (size_t i = 0; i < count; i++) {
		if (!ends_with(names[i], ending))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		check(ctx, path);
		run++;
	}
	ck_assert_uint_ge(run, least);
	iov_fs_names_free(names, count);
	unit_ctx_free(ctx);
}

/* The first line says "# error: LINE:COLUMN: TEXT". */
static void check_bad(struct iov_ctx *ctx, const char *path)
{
	static const char mark[] = "# error: ";
	iov_auto(iov_free_ptr) char *text = read_text(path);
	iov_auto(release) struct iov_manifest *manifest = NULL;
	ck_assert_msg(!strncmp(text, mark, strlen(mark)), "%s has no '%s'", path, mark);
	int err = iov_manifest_parse_yaml(ctx, "iov.yaml", text, strlen(text), &manifest);
	ck_assert_msg(err == IOV_E_INPUT, "%s gives code %d", path, err);
	char expected[2048];
	snprintf(expected, sizeof(expected), "iov.yaml:%.*s", (int)strcspn(text + strlen(mark), "\n"),
		 text + strlen(mark));
	ck_assert_msg(!strcmp(iov_error_text(ctx), expected), "%s: '%s' was expected, not '%s'", path, expected,
		      iov_error_text(ctx));
}

START_TEST(refuses_bad_manifests)
{
	walk("bad", ".yaml", 70, check_bad);
}
END_TEST

static void check_bad_json(struct iov_ctx *ctx, const char *path)
{
	json_error_t error;
	iov_auto(iov_json_release) json_t *test = json_load_file(path, 0, &error);
	iov_auto(release) struct iov_manifest *manifest = NULL;
	ck_assert_msg(test != NULL, "%s: %s", path, error.text);
	int err = iov_manifest_from_json(ctx, json_object_get(test, "manifest"), &manifest);
	ck_assert_msg(err == IOV_E_INPUT, "%s gives code %d", path, err);
	ck_assert_str_eq(iov_error_text(ctx), json_string_value(json_object_get(test, "error")));
}

START_TEST(refuses_bad_json)
{
	walk("bad-json", ".json", 12, check_bad_json);
}
END_TEST

/* NAME.yaml becomes NAME.json, and that becomes itself. */
static void check_good(struct iov_ctx *ctx, const char *path)
{
	iov_auto(iov_free_ptr) char *text = read_text(path);
	iov_auto(release) struct iov_manifest *from_yaml = NULL, *from_json = NULL;
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, path, text, strlen(text), &from_yaml));
	char json_path[1024];
	snprintf(json_path, sizeof(json_path), "%.*sjson", (int)(strlen(path) - strlen("yaml")), path);
	iov_auto(iov_free_ptr) char *expected = read_text(json_path);
	expected[strcspn(expected, "\n")] = '\0';
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(from_yaml->json);
	ck_assert_str_eq(canonical, expected);
	unit_ok(ctx, iov_manifest_from_json(ctx, from_yaml->json, &from_json));
	iov_auto(iov_free_ptr) char *again = iov_json_canonical(from_json->json);
	ck_assert_str_eq(again, canonical);
}

START_TEST(reads_good_manifests)
{
	walk("good", ".yaml", 2, check_good);
}
END_TEST

static struct iov_manifest *full(struct iov_ctx *ctx)
{
	struct iov_manifest *manifest = NULL;
	iov_auto(iov_free_ptr) char *text = read_text(unit_data("manifest/good/full.yaml"));
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "full.yaml", text, strlen(text), &manifest));
	return manifest;
}

START_TEST(fills_the_struct)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(release) struct iov_manifest *manifest = full(ctx);
	ck_assert_str_eq(manifest->name, "flow-top");
	ck_assert_str_eq(manifest->version.text, "1.2.0");
	ck_assert_str_eq(manifest->license, "GPL-2.0-only");
	ck_assert_uint_eq(manifest->n_dependencies, 2);
	ck_assert_str_eq(manifest->dependencies[1].name, "xdp-guard");
	ck_assert_str_eq(iov_requirement_text(manifest->dependencies[1].requirement), ">=1.2, <3");
	ck_assert_uint_eq(manifest->n_sources, 1);
	ck_assert_str_eq(manifest->sources[0], "src/flow_top.bpf.c");
	ck_assert_uint_eq(manifest->n_exports, 1);
	ck_assert_str_eq(manifest->exports[0].map, "top");
	ck_assert_int_eq(manifest->exports[0].access, IOV_READ);
	ck_assert_uint_eq(manifest->n_events, 1);
	ck_assert_str_eq(manifest->events[0].buffer, "top_changes");
	ck_assert_str_eq(manifest->events[0].type, "struct top_event");
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(finds_by_name)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(release) struct iov_manifest *manifest = full(ctx);
	ck_assert_ptr_null(iov_manifest_program(manifest, "count"));
	ck_assert_str_eq(iov_manifest_program(manifest, "count_in")->target, "$iface");
	ck_assert(!iov_manifest_program(manifest, "count_in")->optional);
	ck_assert(iov_manifest_program(manifest, "count_out")->optional);
	const struct iov_import_spec *import = iov_manifest_import(manifest, "flows");
	ck_assert_str_eq(import->from, "flow-table");
	ck_assert_str_eq(import->source, "all_flows");
	ck_assert_int_eq(import->access, IOV_READ);
	ck_assert_uint_eq(manifest->n_params, 6);
	const struct iov_param_spec *slots = iov_manifest_param(manifest, "slots");
	ck_assert_int_eq(slots->type, IOV_PARAM_U32);
	ck_assert_int_eq(slots->sets, IOV_SETS_MAX_ENTRIES);
	ck_assert_str_eq(slots->sets_name, "top");
	ck_assert_int_eq(iov_manifest_param(manifest, "min_bytes")->sets, IOV_SETS_VARIABLE);
	ck_assert_int_eq(iov_manifest_param(manifest, "iface")->sets, IOV_SETS_NOTHING);
	ck_assert(iov_manifest_param(manifest, "iface")->required);
	ck_assert_str_eq(iov_manifest_param(manifest, "iface")->summary, "The interface to count on");
	unit_ctx_free(ctx);
}
END_TEST

#define BASE "schema: 1\nname: a\nversion: 1.0.0\nsummary: s\nlicense: MIT\nbuild: {sources: [a.c]}\n"

static const struct {
	const char *yaml, *unsupported;
} later[] = {
	{BASE, NULL},
	{BASE "programs: {p: {target: eth0, order: {}}}\n", NULL},
	{BASE "programs: {p: {order: {first: true}}}\n", "programs.*.order"},
	{BASE "choose: [[p], [q]]\n", NULL},
	{BASE "health: [{program: p, ran_within: 1s}]\n", NULL},
	{BASE "maps: {upgrade: {m: {merge: sum}}}\n", NULL},
	{BASE "maps: {upgrade: {m: {on_change: migrate}}}\n", NULL},
	{BASE "maps: {upgrade: {m: {on_change: reset}}}\n", NULL},
	{BASE "maps: {persist: [m]}\n", NULL},
};

START_TEST(names_what_is_not_done_yet)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(release) struct iov_manifest *manifest = NULL;
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", later[_i].yaml, strlen(later[_i].yaml), &manifest));
	ck_assert_pstr_eq(iov_manifest_unsupported(manifest), later[_i].unsupported);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(reads_from_a_folder)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(release) struct iov_manifest *manifest = NULL;
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/" IOV_MANIFEST_FILE);
	unit_fails(ctx, iov_manifest_read(ctx, ctx->root, &manifest), IOV_E_NOT_FOUND,
		   "iov.yaml' is missing; name the folder");
	ck_assert_int_eq(iov_fs_replace(path, BASE "oops: 1\n", strlen(BASE "oops: 1\n"), 0644), 0);
	unit_fails(ctx, iov_manifest_read(ctx, ctx->root, &manifest), IOV_E_INPUT, "/iov.yaml:7:1: unknown key 'oops'");
	ck_assert_int_eq(iov_fs_replace(path, BASE, strlen(BASE), 0644), 0);
	unit_ok(ctx, iov_manifest_read(ctx, ctx->root, &manifest));
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(keeps_its_limits)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_manifest *manifest = NULL;
	iov_auto(iov_free_ptr) char *large = calloc(1, IOV_MANIFEST_MAX + 1);
	iov_auto(iov_buf_release) struct iov_buf many = {0};
	memset(large, ' ', IOV_MANIFEST_MAX + 1);
	unit_fails(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", large, IOV_MANIFEST_MAX + 1, &manifest), IOV_E_INPUT,
		   "iov.yaml: 262145 bytes are more than the 262144 allowed");
	iov_buf_puts(&many, BASE "events:\n");
	for (int i = 0; i < 1025; i++)
		iov_buf_printf(&many, "  e%d: {type: struct e}\n", i);
	unit_fails(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", many.data, many.len, &manifest), IOV_E_INPUT,
		   "iov.yaml:1032:3: more than 1024 entries in one map or list");
	ck_assert_ptr_null(manifest);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(refuses_what_is_not_utf8)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_manifest *manifest = NULL;
	static const char latin[] = "schema: 1\nsummary: caf\xe9\n", wide[] = "\xff\xfes\0c\0h\0";
	unit_fails(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", latin, sizeof(latin) - 1, &manifest), IOV_E_INPUT,
		   "the file must be UTF-8 text");
	unit_fails(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", wide, sizeof(wide) - 1, &manifest), IOV_E_INPUT,
		   "the file must be UTF-8 text");
	unit_ctx_free(ctx);
}
END_TEST

/* The value at these keys, ended by NULL. */
static const json_t *in(const json_t *json, const char *const *keys)
{
	for (; *keys; keys++) {
		json = json_object_get(json, *keys);
		ck_assert_msg(json != NULL, "no '%s'", *keys);
	}
	return json;
}

#define IN(json, ...) in(json, (const char *const[]){__VA_ARGS__, NULL})

/* Every place says what it is for, so that an editor can show it. */
static void check_described(const json_t *schema)
{
	const char *key;
	json_t *value;
	ck_assert(json_string_length(json_object_get(schema, "description")) > 0);
	json_object_foreach(json_object_get(schema, "properties"), key, value) {
		check_described(value);
	}
	if (json_object_get(schema, "items"))
		check_described(json_object_get(schema, "items"));
	if (json_is_object(json_object_get(schema, "additionalProperties")))
		check_described(json_object_get(schema, "additionalProperties"));
}

START_TEST(writes_json_schema)
{
	iov_auto(iov_json_release) json_t *schema = iov_manifest_json_schema();
	ck_assert_str_eq(json_string_value(IN(schema, "$schema")), "https://json-schema.org/draft/2020-12/schema");
	ck_assert_uint_eq(json_array_size(IN(schema, "required")), 6);
	ck_assert(json_is_false(IN(schema, "additionalProperties")));
	ck_assert_str_eq(json_string_value(IN(schema, "properties", "name", "pattern")), "^[a-z][a-z0-9-]{0,63}$");
	const json_t *export = IN(schema, "properties", "maps", "properties", "exports", "additionalProperties");
	ck_assert_str_eq(json_string_value(json_array_get(IN(export, "properties", "access", "enum"), 1)), "write");
	check_described(schema);
}
END_TEST

static const struct {
	const char *path;
	json_t *(*schema)(void);
} kept_schemas[] = {
	{"../manifests/iov.schema.json", iov_manifest_json_schema},
	{"../manifests/host.schema.json", iov_hostfile_json_schema},
	{"../manifests/credentials.schema.json", iov_entries_json_schema},
};

/* What editors read is what iovpkg checks; `make schema` brings the files up to date. */
START_TEST(keeps_the_schemas_for_editors)
{
	iov_auto(iov_json_release) json_t *schema = kept_schemas[_i].schema();
	iov_auto(iov_free_ptr) char *text = iov_json_text(schema);
	iov_auto(iov_buf_release) struct iov_buf file = {0};
	ck_assert_int_eq(iov_fs_read(unit_data(kept_schemas[_i].path), 1 << 20, &file), 0);
	ck_assert_str_eq(file.data, text);
}
END_TEST

static const struct {
	const char *word, *meant;
} slips[] = {
	{"dependancies", "dependencies"},
	{"sumary", "summary"},
	{"lisence", "license"},
	{"verison", "version"},
	{"mpas", "maps"},
	{"colour", NULL},
	{"", NULL},
	{"x", NULL},
};

START_TEST(finds_the_nearest)
{
	static const char *const names[] = {"name", "version", "summary", "license", "dependencies", "maps"};
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, slips[_i].word, strlen(slips[_i].word));
	for (size_t i = 0; i < IOV_COUNT(names); i++)
		iov_nearest_offer(&nearest, names[i]);
	ck_assert_pstr_eq(nearest.name, slips[_i].meant);
}
END_TEST

Suite *suite_core_manifest(void);
Suite *suite_core_manifest(void)
{
	Suite *suite = suite_create("core_manifest");
	TCase *tcase = tcase_create("manifest");
	tcase_add_test(tcase, refuses_bad_manifests);
	tcase_add_test(tcase, refuses_bad_json);
	tcase_add_test(tcase, reads_good_manifests);
	tcase_add_test(tcase, fills_the_struct);
	tcase_add_test(tcase, finds_by_name);
	tcase_add_loop_test(tcase, names_what_is_not_done_yet, 0, (int)IOV_COUNT(later));
	tcase_add_test(tcase, reads_from_a_folder);
	tcase_add_test(tcase, keeps_its_limits);
	tcase_add_test(tcase, refuses_what_is_not_utf8);
	tcase_add_test(tcase, writes_json_schema);
	tcase_add_loop_test(tcase, keeps_the_schemas_for_editors, 0, IOV_COUNT(kept_schemas));
	tcase_add_loop_test(tcase, finds_the_nearest, 0, (int)IOV_COUNT(slips));
	suite_add_tcase(suite, tcase);
	return suite;
}
