#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/toolchain.h"
#include "check/check.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"
#include "util/process.h"

static struct iov_ctx *ctx;
static char *source, *object_path;

static const char module_source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"struct session { __u64 packets; __u32 mark; char name[12]; };\n"
	"struct note { __u32 pid; };\n"
	"const volatile __u64 min_bytes = 1500;\n"
	"const volatile _Bool verbose;\n"
	"const volatile char device[16];\n"
	"__u32 runs;\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32);\n"
	"	__type(value, struct session); } sessions SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } notes SEC(\".maps\");\n"
	"struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32);\n"
	"	__type(value, struct session); } inner SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, __u32);\n"
	"	__array(values, struct inner); } by_zone SEC(\".maps\");\n"
	"__attribute__((noinline)) int fill(struct note *note) { return note ? note->pid : 0; }\n"
	"SEC(\"xdp\") int pass(struct xdp_md *ctx)\n"
	"{ struct note note = {verbose}; runs++; return ctx->data_end - ctx->data > min_bytes ? XDP_PASS : fill(&note) "
	"+ device[0]; }\n"
	"SEC(\"?raw_tp/sched_switch\") int later(void *ctx) { return 0; }\n"
	"char LICENSE[] SEC(\"license\") = \"Dual BSD/GPL\";\n";

static void compile(const char *text)
{
	ck_assert_int_eq(iov_fs_replace(source, text, strlen(text), 0644), 0);
	const struct iov_machine *machine = NULL;
	unit_ok(ctx, iov_machine_here(ctx, &machine));
	char headers[128];
	snprintf(headers, sizeof(headers), "-I/usr/include/%s", machine->multiarch);
	const char *const argv[] = {"clang", "-target", "bpf", "-g",	    "-O2", headers,
				    "-c",    source,	"-o",  object_path, NULL};
	struct iov_process process = {.argv = argv, .timeout_ms = 60000, .limit_output = 4096};
	iov_auto(iov_process_result_release) struct iov_process_result result = {0};
	ck_assert_int_eq(iov_process_run(&process, &result), 0);
	ck_assert_msg(result.status == 0, "%s", result.err.data);
}

static void setup(void)
{
	ctx = unit_ctx();
	source = iov_path(ctx, "/module.bpf.c");
	object_path = iov_path(ctx, "/module.bpf.o");
}

static void teardown(void)
{
	free(source);
	free(object_path);
	unit_ctx_free(ctx);
}

static struct iov_object *read_object(void)
{
	struct iov_object *object = NULL;
	unit_ok(ctx, iov_check_object(ctx, object_path, &object));
	return object;
}

static void free_object(struct iov_object **object)
{
	iov_object_free(*object);
}

static struct iov_manifest *manifest_of(const char *more)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_manifest *manifest = NULL;
	iov_buf_printf(&text,
		       "schema: 1\nname: sample\nversion: 1.0.0\nsummary: A sample\nlicense: GPL-2.0-only\n"
		       "build:\n  sources: [module.bpf.c]\n%s",
		       more);
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", text.data, text.len, &manifest));
	return manifest;
}

static void free_manifest(struct iov_manifest **manifest)
{
	iov_manifest_free(*manifest);
}

START_TEST(tells_programs_and_license)
{
	compile(module_source);
	iov_auto(free_object) struct iov_object *object = read_object();
	ck_assert_str_eq(object->license, "Dual BSD/GPL");
	ck_assert_uint_eq(object->n_programs, 2);
	const struct iov_object_program *pass = iov_object_find_program(object, "pass");
	ck_assert_str_eq(pass->section, "xdp");
	ck_assert_str_eq(pass->type, "xdp");
	ck_assert(pass->autoload);
	const struct iov_object_program *later = iov_object_find_program(object, "later");
	ck_assert_str_eq(later->section, "raw_tp/sched_switch");
	ck_assert_str_eq(later->type, "raw_tracepoint");
	ck_assert(!later->autoload);
}
END_TEST

static void check_layout(const struct iov_object *object, const char *map, const char *expected)
{
	const struct iov_object_map *found = iov_object_find_map(object, map);
	ck_assert_msg(found != NULL, "no map '%s'", map);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(found->layout);
	ck_assert_str_eq(text, expected);
}

#define SESSION                                                                                                        \
	"{\"kind\":\"struct\",\"members\":[{\"name\":\"packets\",\"offset\":0,\"type\":\"u64\"},"                      \
	"{\"name\":\"mark\",\"offset\":64,\"type\":\"u32\"},"                                                          \
	"{\"name\":\"name\",\"offset\":96,\"type\":{\"count\":12,\"kind\":\"array\",\"of\":\"char\"}}],\"size\":24}"

START_TEST(tells_maps_and_their_layouts)
{
	compile(module_source);
	iov_auto(free_object) struct iov_object *object = read_object();
	const struct iov_object_map *sessions = iov_object_find_map(object, "sessions");
	ck_assert_str_eq(sessions->type, "hash");
	ck_assert_uint_eq(sessions->key_size, 4);
	ck_assert_uint_eq(sessions->value_size, 24);
	ck_assert_uint_eq(sessions->max_entries, 64);
	check_layout(object, "sessions", "{\"key\":\"u32\",\"value\":" SESSION "}");
	check_layout(object, "notes", "{}");
	check_layout(object, ".bss",
		     "{\"value\":{\"kind\":\"section\",\"members\":[{\"name\":\"runs\",\"offset\":0,\"type\":\"u32\"}],"
		     "\"size\":4}}");
	check_layout(object, "by_zone",
		     "{\"inner\":{\"flags\":0,\"key\":\"u32\",\"key_size\":4,\"type\":\"array\",\"value\":" SESSION
		     ",\"value_size\":24},\"key\":\"u32\"}");
	ck_assert_str_eq(iov_object_find_map(object, ".rodata")->type, "array");
}
END_TEST

/* What the kernel keeps of a map gives the same layout as the object it came from. */
START_TEST(a_live_map_has_the_same_layout)
{
	compile(module_source);
	iov_auto(free_object) struct iov_object *object = read_object();
	iov_libbpf_quiet();
	struct bpf_object *loaded = bpf_object__open_file(object_path, NULL);
	ck_assert_ptr_nonnull(loaded);
	if (!bpf_object__load(loaded)) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		iov_auto(iov_json_release) json_t *layout = NULL;
		ck_assert_int_eq(
			bpf_map_get_info_by_fd(bpf_object__find_map_fd_by_name(loaded, "sessions"), &info, &size), 0);
		struct btf *btf = btf__load_from_kernel_by_id(info.btf_id);
		ck_assert_ptr_nonnull(btf);
		unit_ok(ctx, iov_check_layout(ctx, btf, info.btf_value_type_id, &layout));
		ck_assert(
			json_equal(layout, json_object_get(iov_object_find_map(object, "sessions")->layout, "value")));
		btf__free(btf);
	} else {
		ck_assert_msg(geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK), "the object does not load");
	}
	bpf_object__close(loaded);
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	struct iov_object *object = NULL;
	unit_fails(ctx, iov_check_object(ctx, object_path, &object), IOV_E_IO, "cannot read the object '");
	ck_assert_int_eq(iov_fs_replace(object_path, "no ELF", 6, 0644), 0);
	unit_fails(ctx, iov_check_object(ctx, object_path, &object), IOV_E_INPUT,
		   "module.bpf.o' is not an eBPF object that libbpf can read: ");
	ck_assert_int_eq(truncate(object_path, 33 << 20), 0);
	unit_fails(ctx, iov_check_object(ctx, object_path, &object), IOV_E_INPUT,
		   "34603008 bytes; 33554432 are allowed");
	unit_fails(ctx, iov_check_object(ctx, ctx->root, &object), IOV_E_INPUT, "is not a regular file");
	ck_assert_ptr_null(object);
}
END_TEST

START_TEST(a_fitting_manifest_agrees)
{
	compile(module_source);
	iov_auto(free_object) struct iov_object *object = read_object();
	iov_auto(free_manifest) struct iov_manifest *manifest =
		manifest_of("programs:\n  pass: {target: $iface}\n"
			    "maps:\n  exports: {sessions: {access: read}}\n"
			    "events:\n  notes: {type: struct note}\n"
			    "params:\n"
			    "  iface: {type: interface, required: true}\n"
			    "  min_bytes: {type: u64, default: 1500, sets: variable min_bytes}\n"
			    "  verbose: {type: bool, default: false, sets: variable verbose}\n"
			    "  device: {type: string, default: eth0, sets: variable device}\n"
			    "  most: {type: u32, default: 64, sets: max_entries sessions}\n");
	unit_ok(ctx, iov_check_agreement(ctx, manifest, object, object_path));
}
END_TEST

static const struct {
	const char *manifest, *words;
} disagreements[] = {
	{"programs:\n  passs: {target: eth0}\n", "module 'sample': 'programs' names the program 'passs', but the "
						 "object has none of that name; it has: pass, later"},
	{"maps:\n  exports: {session: {access: read}}\n",
	 "'maps.exports' names the map 'session', but the object has none"},
	{"dependencies:\n  other: ^1\nmaps:\n  imports: {flows: {from: other, access: read}}\n",
	 "'maps.imports' names the map 'flows', but the object has none"},
	{"maps:\n  exports: {.rodata: {access: read}}\n",
	 "'maps.exports' names '.rodata', but constants belong to the object that was compiled with them"},
	{"dependencies:\n  other: ^1\nmaps:\n  imports: {.rodata: {from: other, access: read}}\n",
	 "'maps.imports' names '.rodata', but constants belong"},
	{"params:\n  x: {type: u64, default: 1, sets: variable max_bytes}\n",
	 "a parameter sets the variable 'max_bytes', but the object has none of that name; it has: "},
	{"params:\n  x: {type: u32, default: 1, sets: variable min_bytes}\n",
	 "parameter 'x' is of type u32 and sets the variable 'min_bytes', which is of type u64; make them agree"},
	{"params:\n  x: {type: u8, default: 1, sets: variable device}\n", "which is of type char array"},
	{"params:\n  x: {type: u32, default: 1, sets: max_entries session}\n",
	 "a parameter sets max_entries of the map 'session', but the object has none"},
	{"dependencies:\n  other: ^1\nmaps:\n  imports: {sessions: {from: other, access: read}}\n"
	 "params:\n  x: {type: u32, default: 1, sets: max_entries sessions}\n",
	 "which is imported; its size is its provider's to set"},
	{"health: [{program: passs, ran_within: 1s}]\n",
	 "iov.yaml:8:20: module 'sample': the object has no program 'passs'; it has: pass, later"},
	{"health: [{map: session, key: 0, at_least: 1, within: 1s}]\n",
	 "iov.yaml:8:16: module 'sample': the object has no map 'session'; it has: "},
	{"health: [{map: notes, key: 0, at_least: 1, within: 1s}]\n",
	 "iov.yaml:8:16: module 'sample': map 'notes' is a 'ringbuf', in which no value can be looked up by a key"},
	{"health: [{map: sessions, key: -1, at_least: 1, within: 1s}]\n",
	 "iov.yaml:8:31: module 'sample': '-1' is not"},
	{"health: [{map: sessions, key: 1, field: nope, at_least: 1, within: 1s}]\n",
	 "iov.yaml:8:41: module 'sample': there is no field 'nope'"},
	{"health: [{variable: nope, at_least: 1, within: 1s}]\n",
	 "iov.yaml:8:21: module 'sample': the object has no global"},
	{"events:\n  nodes: {type: struct note}\n", "'events' names the buffer 'nodes', but the object has none"},
	{"events:\n  sessions: {type: struct note}\n", "'events' names 'sessions', which is a map of type hash"},
	{"events:\n  notes: {type: struct nope}\n",
	 "of type 'struct nope', which the object's type information (BTF) lacks"},
};

START_TEST(disagreements_are_told)
{
	compile(module_source);
	iov_auto(free_object) struct iov_object *object = read_object();
	iov_auto(free_manifest) struct iov_manifest *manifest = manifest_of(disagreements[_i].manifest);
	unit_fails(ctx, iov_check_agreement(ctx, manifest, object, object_path), IOV_E_INPUT, disagreements[_i].words);
}
END_TEST

static const struct {
	const char *manifest, *object;
	bool fits;
} licenses[] = {
	{"GPL-2.0-only", "GPL", true},
	{"GPL-2.0-or-later", "GPL v2", true},
	{"MIT", "GPL", false},
	{"BSD-3-Clause", "Dual BSD/GPL", true},
	{"LGPL-2.1-only OR BSD-2-Clause", "Dual BSD/GPL", true},
	{"Apache-2.0", "Dual BSD/GPL", false},
	{"Apache-2.0", "Apache-2.0", true},
	{"GPL-2.0-only", "Proprietary", false},
	{"GPL-2.0-only", "", false},
};

START_TEST(licenses_must_fit)
{
	struct iov_object_program program = {.name = "p", .section = "xdp", .type = "xdp", .autoload = true};
	struct iov_object object = {.license = licenses[_i].object, .programs = &program, .n_programs = 1};
	iov_auto(free_manifest) struct iov_manifest *manifest = manifest_of("");
	manifest->license = licenses[_i].manifest;
	if (licenses[_i].fits)
		unit_ok(ctx, iov_check_agreement(ctx, manifest, &object, object_path));
	else
		unit_fails(ctx, iov_check_agreement(ctx, manifest, &object, object_path), IOV_E_INPUT,
			   "make iov.yaml and SEC(\"license\") agree");
	object.n_programs = 0; /* without programs nobody asks */
	if (!*object.license)
		unit_ok(ctx, iov_check_agreement(ctx, manifest, &object, object_path));
}
END_TEST

Suite *suite_check_object(void)
{
	Suite *suite = suite_create("check/object");
	TCase *tests = tcase_create("object");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, tells_programs_and_license);
	tcase_add_test(tests, tells_maps_and_their_layouts);
	tcase_add_test(tests, a_live_map_has_the_same_layout);
	tcase_add_test(tests, what_is_no_object_is_refused);
	tcase_add_test(tests, a_fitting_manifest_agrees);
	tcase_add_loop_test(tests, disagreements_are_told, 0, IOV_COUNT(disagreements));
	tcase_add_loop_test(tests, licenses_must_fit, 0, IOV_COUNT(licenses));
	suite_add_tcase(suite, tests);
	return suite;
}
