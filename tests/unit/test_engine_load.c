/* The engine on the live kernel: loading, maps that are shared, kept or refused, refusals in words. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "engine/events.h"
#include "live.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const char table_yaml[] = "schema: 1\nname: table\nversion: 1.0.0\nsummary: a table\nlicense: GPL-2.0-only\n"
				 "build:\n  sources: [table.bpf.c]\n"
				 "programs:\n  fill: {target: $iface}\n"
				 "maps:\n  exports: {flows: {access: write}}\n"
				 "events:\n  events: {type: struct event}\n"
				 "params:\n"
				 "  iface: {type: interface, default: lo, sets: variable port}\n"
				 "  limit: {type: u64, default: 7, sets: variable limit}\n"
				 "  offset: {type: i64, default: -3, sets: variable offset}\n"
				 "  loud: {type: bool, default: true, sets: variable loud}\n"
				 "  label: {type: string, default: hello, sets: variable label}\n"
				 "  room: {type: u32, default: 100, sets: max_entries flows}\n";
static const char reset_yaml[] = "schema: 1\nname: table\nversion: 2.0.0\nsummary: a table\nlicense: GPL-2.0-only\n"
				 "build:\n  sources: [table.bpf.c]\n"
				 "programs:\n  fill: {target: eth0}\n"
				 "maps:\n  upgrade: {flows: {on_change: reset}}\n";
static const char changed_yaml[] = "schema: 1\nname: table\nversion: 2.0.0\nsummary: a table\nlicense: GPL-2.0-only\n"
				   "build:\n  sources: [table.bpf.c]\n"
				   "programs:\n  fill: {target: eth0}\n";
static const char importer_yaml[] =
	"schema: 1\nname: importer\nversion: 0.3.0\nsummary: an importer\nlicense: GPL-2.0-only\n"
	"dependencies:\n  table: ^1\n"
	"build:\n  sources: [importer.bpf.c]\n"
	"programs:\n  use: {target: eth0}\n"
	"maps:\n  imports: {flows: {from: table, access: write}}\n";
static const char careless_yaml[] =
	"schema: 1\nname: careless\nversion: 1.0.0\nsummary: refused\nlicense: GPL-2.0-only\n"
	"build:\n  sources: [rejected.bpf.c]\n"
	"programs:\n  careless: {target: eth0}\n";

/* A release and what is asked of the engine with it. */
struct request {
	struct iov_release release;
	struct iov_engine_load load;
	struct iov_engine_import import;
	char object[512], dir[512], keep[512];
	json_t *params;
};

static void prepare(struct iov_ctx *ctx, struct request *request, const char *yaml, const char *object,
		    const char *tree)
{
	*request = (struct request){0};
	snprintf(request->object, sizeof(request->object), "%s", live_object(object));
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml, strlen(yaml), &request->release.manifest));
	unit_ok(ctx, iov_check_object(ctx, request->object, &request->release.object));
	unit_ok(ctx,
		iov_params_resolve(ctx, request->release.manifest, (struct iov_settings){0}, NULL, &request->params));
	snprintf(request->dir, sizeof(request->dir), "%s/%s", live_dir(ctx, tree), request->release.manifest->name);
	request->load = (struct iov_engine_load){.instance = request->release.manifest->name,
						 .release = &request->release,
						 .object = request->object,
						 .params = request->params,
						 .dir = request->dir};
}

static void import_from(struct iov_ctx *ctx, struct request *request, const struct request *provider,
			enum iov_access access)
{
	static char pin[600];
	(void)ctx;
	snprintf(pin, sizeof(pin), "%s/maps/flows", provider->dir);
	request->import = (struct iov_engine_import){.map = "flows",
						     .pin = pin,
						     .provider = "table 1.0.0",
						     .contract = iov_object_find_map(provider->release.object, "flows"),
						     .access = access};
	request->load.imports = &request->import;
	request->load.n_imports = 1;
}

static void keep_from(struct request *request, const struct request *old)
{
	snprintf(request->keep, sizeof(request->keep), "%s", old->dir);
	request->load.keep_dir = request->keep;
	request->load.keep = &old->release;
}

static void release(struct request *request)
{
	iov_manifest_free(request->release.manifest);
	iov_object_free(request->release.object);
	json_decref(request->params);
}

static bool pinned(const struct request *request, const char *pin)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s", request->dir, pin);
	return iov_fs_exists(path);
}

static uint32_t map_id(const struct request *request, const char *name)
{
	char path[600];
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	snprintf(path, sizeof(path), "%s/maps/%s", request->dir, name);
	iov_auto(iov_close_fd) int fd = bpf_obj_get(path);
	return fd >= 0 && !bpf_map_get_info_by_fd(fd, &info, &len) ? info.id : 0;
}

struct live {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct request table, other;
};

static bool begin(struct live *live)
{
	*live = (struct live){0};
	if (!live_begin())
		return false;
	live->ctx = live_ctx();
	unit_ok(live->ctx, iov_engine_kernel_new(live->ctx, &live->engine));
	unit_ok(live->ctx, live->engine->ops->prepare(live->engine));
	prepare(live->ctx, &live->table, table_yaml, "table", "live");
	return true;
}

static int load(struct live *live, const struct request *request)
{
	return live->engine->ops->load(live->engine, &request->load);
}

static void end(struct live *live)
{
	release(&live->table);
	release(&live->other);
	iov_engine_free(live->engine);
	live_ctx_free(live->ctx);
}

START_TEST(test_load_pins)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	ck_assert(pinned(&live.table, "progs/fill") && pinned(&live.table, "maps/flows") &&
		  pinned(&live.table, "maps/events"));
	ck_assert(pinned(&live.table, "maps/rodata") && pinned(&live.table, "maps/bss"));
	uint32_t id = 0;
	unit_ok(live.ctx, live.engine->ops->program_id(live.engine, live.table.dir, "fill", &id));
	ck_assert_uint_gt(id, 0);
	unit_ok(live.ctx, live.engine->ops->program_id(live.engine, live.table.dir, "other", &id));
	ck_assert_uint_eq(id, 0);

	iov_auto(iov_json_release) json_t *map = NULL;
	char pin[600];
	snprintf(pin, sizeof(pin), "%s/maps/flows", live.table.dir);
	unit_ok(live.ctx, live.engine->ops->describe_map(live.engine, pin, &map));
	ck_assert_int_eq(json_integer_value(json_object_get(map, "max_entries")),
			 100); /* the parameter's, not the source's */
	ck_assert_int_eq(json_integer_value(json_object_get(map, "entries")), 0);
	ck_assert_str_eq(json_string_value(json_object_get(map, "type")), "hash");
	iov_auto(iov_json_release) json_t *program = NULL;
	snprintf(pin, sizeof(pin), "%s/progs/fill", live.table.dir);
	unit_ok(live.ctx, live.engine->ops->describe_program(live.engine, pin, &program));
	ck_assert_str_eq(json_string_value(json_object_get(program, "type")), "sched_cls");
	ck_assert_int_gt(json_integer_value(json_object_get(program, "instructions")), 10);
	end(&live);
}
END_TEST

static void fail_with(struct live *live, const char *param, const char *value, enum iov_code code, const char *words)
{
	json_t *before = json_incref(json_object_get(live->table.params, param));
	json_object_set_new(live->table.params, param, json_string(value));
	unit_fails(live->ctx, load(live, &live->table), code, words);
	ck_assert(!iov_fs_exists(live->table.dir));
	json_object_set_new(live->table.params, param, before);
}

START_TEST(test_params_must_fit)
{
	struct live live;
	if (!begin(&live))
		return;
	fail_with(&live, "limit", "4294967296", IOV_E_INPUT,
		  "parameter 'limit' of table 1.0.0 is '4294967296', but variable 'limit' is an unsigned integer of 4 "
		  "bytes");
	fail_with(&live, "offset", "-32769", IOV_E_INPUT, "a signed integer of 2 bytes");
	fail_with(&live, "label", "much too long", IOV_E_INPUT, "an array of 8 characters");
	fail_with(&live, "iface", "nope0", IOV_E_NOT_FOUND, "interface 'nope0' not found");
	fail_with(&live, "room", "0", IOV_E_INPUT, "map 'flows' holds 1 to 4294967295 entries");
	json_object_set_new(live.table.params, "offset", json_string("-32768"));
	json_object_set_new(live.table.params, "limit", json_string("4294967295"));
	unit_ok(live.ctx, load(&live, &live.table));
	end(&live);
}
END_TEST

static bool on_event(const char *json, void *data)
{
	snprintf(data, 512, "%s", json);
	return true;
}

/* A run of the program on a made-up packet shows that it has its parameters, and its event how it is decoded. */
START_TEST(test_params_and_events)
{
	struct live live;
	char path[600], text[512] = "";
	unsigned char packet[64] = {0};
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	snprintf(path, sizeof(path), "%s/progs/fill", live.table.dir);
	iov_auto(iov_close_fd) int program = bpf_obj_get(path);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);
	ck_assert_int_eq(bpf_prog_test_run_opts(program, &run), 0);
	snprintf(path, sizeof(path), "%s/maps/flows", live.table.dir);
	iov_auto(iov_close_fd) int map = bpf_obj_get(path);
	uint32_t key = 7;
	uint64_t value[2] = {0};
	ck_assert_int_eq(bpf_map_lookup_elem(map, &key, value), 0);
	ck_assert_uint_eq(value[0], 1);
	ck_assert_int_eq((int64_t)value[1], -3);
	const struct iov_events_request request = {.instance = "table",
						   .release = &live.table.release,
						   .object = live.table.object,
						   .dir = live.table.dir,
						   .limit = 1,
						   .stop_fd = -1,
						   .on_event = on_event,
						   .data = text};
	unit_ok(live.ctx, iov_engine_events(live.ctx, &request));
	iov_auto(iov_json_release) json_t *event = json_loads(text, 0, NULL);
	iov_auto(iov_json_release) json_t *expected =
		json_loads("{\"instance\":\"table\",\"buffer\":\"events\",\"fields\":{\"name\":\"hello\",\"color\":"
			   "\"BLUE\",\"address\":[10,0,0,200],\"delta\":-3,"
			   "\"low\":5,\"high\":70000,\"whole\":\"18446744073709551614\",\"half\":4294967294,\"yes\":"
			   "true,\"where\":\"0xffff888000000000\"}}",
			   0, NULL);
	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(json_equal(event, expected), "%s", text);
	end(&live);
}
END_TEST

START_TEST(test_events_stop)
{
	struct live live;
	char text[512] = "";
	int pipes[2];
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	const struct iov_events_request request = {.instance = "table",
						   .release = &live.table.release,
						   .object = live.table.object,
						   .dir = live.table.dir,
						   .stop_fd = pipes[0],
						   .on_event = on_event,
						   .data = text};
	unit_ok(live.ctx, iov_engine_events(live.ctx, &request));
	ck_assert_str_eq(text, "");
	end(&live);
}
END_TEST

START_TEST(test_import)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	prepare(live.ctx, &live.other, importer_yaml, "importer", "live");
	import_from(live.ctx, &live.other, &live.table, IOV_WRITE);
	unit_ok(live.ctx, load(&live, &live.other));
	ck_assert(pinned(&live.other, "progs/use") && !pinned(&live.other, "maps/flows"));
	char path[600];
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), used[4] = {0};
	snprintf(path, sizeof(path), "%s/progs/use", live.other.dir);
	iov_auto(iov_close_fd) int program = bpf_obj_get(path);
	info.map_ids = (uint64_t)(uintptr_t)used;
	info.nr_map_ids = 4;
	ck_assert_int_eq(bpf_prog_get_info_by_fd(program, &info, &len), 0);
	ck_assert_uint_eq(used[0], map_id(&live.table, "flows"));
	end(&live);
}
END_TEST

START_TEST(test_import_broken)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	prepare(live.ctx, &live.other, importer_yaml, "importer_swapped", "live");
	import_from(live.ctx, &live.other, &live.table, IOV_WRITE);
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT,
		   "map 'flows' of table 1.0.0 is not what importer 0.3.0 was built for");
	ck_assert_ptr_nonnull(strstr(iov_error_text(live.ctx), "packets"));
	ck_assert(!iov_fs_exists(live.other.dir));
	live.other.import.access = IOV_READ; /* no better for a reader */
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT, "was built for");
	end(&live);
}
END_TEST

/* Whoever only reads can do with a value that goes on where its own ends; a writer would write too little. */
START_TEST(test_import_extended)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	prepare(live.ctx, &live.other, importer_yaml, "importer_short", "live");
	import_from(live.ctx, &live.other, &live.table, IOV_WRITE);
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT, "was built for");
	live.other.import.access = IOV_READ;
	unit_ok(live.ctx, load(&live, &live.other));
	end(&live);
}
END_TEST

START_TEST(test_upgrade_keeps)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	prepare(live.ctx, &live.other, table_yaml, "table", "staging");
	keep_from(&live.other, &live.table);
	unit_ok(live.ctx, load(&live, &live.other));
	ck_assert_uint_eq(map_id(&live.other, "flows"), map_id(&live.table, "flows"));
	ck_assert_uint_eq(map_id(&live.other, "bss"), map_id(&live.table, "bss"));
	ck_assert_uint_eq(map_id(&live.other, "events"), map_id(&live.table, "events"));
	ck_assert_uint_eq(map_id(&live.other, "prefixes"), map_id(&live.table, "prefixes"));
	ck_assert_uint_eq(map_id(&live.other, "nested"), map_id(&live.table, "nested"));
	ck_assert_uint_ne(map_id(&live.other, "rodata"), map_id(&live.table, "rodata"));
	end(&live);
}
END_TEST

START_TEST(test_upgrade_refuses)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	json_object_set_new(live.table.params, "room", json_string("200"));
	prepare(live.ctx, &live.other, table_yaml, "table", "staging");
	json_object_set_new(live.other.params, "room", json_string("200"));
	keep_from(&live.other, &live.table);
	unit_ok(live.ctx, load(&live, &live.other)); /* another size alone moves the entries */
	ck_assert_uint_ne(map_id(&live.other, "flows"), map_id(&live.table, "flows"));
	ck_assert(pinned(&live.other, "base/flows/entries"));
	unit_ok(live.ctx, live.engine->ops->remove_tree(live.engine, live.other.dir));
	release(&live.other);
	prepare(live.ctx, &live.other, changed_yaml, "table_changed", "staging");
	keep_from(&live.other, &live.table);
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT,
		   "map 'flows' of 'table' is laid out otherwise in table 2.0.0");
	ck_assert_ptr_nonnull(strstr(iov_error_text(live.ctx), "on_change: migrate"));
	release(&live.other);
	prepare(live.ctx, &live.other, reset_yaml, "table_changed", "staging");
	keep_from(&live.other, &live.table);
	unit_ok(live.ctx, load(&live, &live.other));
	ck_assert_uint_ne(map_id(&live.other, "flows"), map_id(&live.table, "flows"));
	end(&live);
}
END_TEST

/* Where the kernel keeps no types, the record of the running release speaks, and must tell the truth of what can be
 * seen. */
START_TEST(test_record)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	prepare(live.ctx, &live.other, table_yaml, "table", "staging");
	keep_from(&live.other, &live.table);
	struct iov_object_map *record =
		(struct iov_object_map *)iov_object_find_map(live.table.release.object, "nested");
	json_object_set_new(json_object_get(record->layout, "inner"), "value", json_string("s64"));
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT,
		   "map 'nested' of the running release is not what table 1.0.0 was built for");
	record->value_size = 8;
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_CONTRACT,
		   "but its release says hash_of_maps, 4, 8 and 0x0");
	end(&live);
}
END_TEST

START_TEST(test_rejected)
{
	struct live live;
	if (!begin(&live))
		return;
	prepare(live.ctx, &live.other, careless_yaml, "rejected", "live");
	unit_fails(live.ctx, load(&live, &live.other), IOV_E_REJECTED,
		   "the kernel's verifier refused program 'careless' of careless 1.0.0: R0 invalid mem access "
		   "'map_value_or_null'");
	const char *text = iov_error_text(live.ctx);
	unsigned lines = 1;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_uint_le(lines, 12);
	ck_assert_msg(strstr(text, "return flow->packets > 10;"), "%s", text);
	ck_assert_msg(strstr(text, "\n  R0 is map_value_or_null("), "%s", text);
	ck_assert_msg(strstr(text, "compare the pointer with NULL"), "%s", text);
	ck_assert(!iov_fs_exists(live.other.dir));
	end(&live);
}
END_TEST

START_TEST(test_no_object)
{
	struct live live;
	if (!begin(&live))
		return;
	snprintf(live.table.object, sizeof(live.table.object), "/etc/passwd");
	unit_fails(live.ctx, load(&live, &live.table), IOV_E_INPUT, "is not an eBPF object that libbpf can read");
	end(&live);
}
END_TEST

START_TEST(test_trees)
{
	struct live live;
	if (!begin(&live))
		return;
	unit_ok(live.ctx, load(&live, &live.table));
	uint32_t id = map_id(&live.table, "flows");
	const char *from = live_dir(live.ctx, "live"), *to = live_dir(live.ctx, "staging");
	unit_ok(live.ctx, live.engine->ops->adopt(live.engine, from, to));
	unit_ok(live.ctx, live.engine->ops->adopt(live.engine, from, to)); /* again is fine */
	char mark[600];
	snprintf(mark, sizeof(mark), "%s/mark", to);
	ck_assert_int_eq(iov_fs_mkdirs(mark, 0700), 0);
	unit_ok(live.ctx, live.engine->ops->exchange(live.engine, from, to));
	ck_assert(!iov_fs_exists(mark));
	unit_ok(live.ctx, live.engine->ops->remove_tree(live.engine, to));
	ck_assert_uint_eq(map_id(&live.table, "flows"), id);
	ck_assert(!iov_fs_exists(to));
	unit_fails(live.ctx, live.engine->ops->exchange(live.engine, from, to), IOV_E_IO,
		   "cannot exchange the folders of pins");
	end(&live);
}
END_TEST

Suite *suite_engine_load(void)
{
	Suite *suite = suite_create("engine/load");
	TCase *tcase = tcase_create("live");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_load_pins);
	tcase_add_test(tcase, test_params_must_fit);
	tcase_add_test(tcase, test_params_and_events);
	tcase_add_test(tcase, test_events_stop);
	tcase_add_test(tcase, test_import);
	tcase_add_test(tcase, test_import_broken);
	tcase_add_test(tcase, test_import_extended);
	tcase_add_test(tcase, test_upgrade_keeps);
	tcase_add_test(tcase, test_upgrade_refuses);
	tcase_add_test(tcase, test_record);
	tcase_add_test(tcase, test_rejected);
	tcase_add_test(tcase, test_no_object);
	tcase_add_test(tcase, test_trees);
	suite_add_tcase(suite, tcase);
	return suite;
}
