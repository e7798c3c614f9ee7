#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/build.h"
#include "build/compile.h"
#include "build/sandbox.h"
#include "check/check.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const struct iov_build_limits plenty = {60, IOV_BUILD_MEMORY, IOV_BUILD_OUTPUT};

static struct iov_ctx *ctx;
static char *module, *output;
static struct iov_buf warnings;

static void on_event(const struct iov_event *event, void *data)
{
	(void)data;
	if (event->kind == IOV_EVENT_WARNING)
		iov_buf_printf(&warnings, "%s\n", event->text);
}

static void setup(void)
{
	ctx = unit_ctx();
	ctx->config.event = on_event;
	warnings = (struct iov_buf){0};
	module = iov_path(ctx, "/author/tiny");
	output = iov_path(ctx, "/built/tiny.bpf.o");
}

static void teardown(void)
{
	free(module);
	free(output);
	iov_buf_release(&warnings);
	unit_ctx_free(ctx);
}

static void write_file(const char *name, const char *text)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	ck_assert_int_gt(asprintf(&path, "%s/%s", module, name), 0);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0700), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0600), 0);
}

static int build(const char *sources)
{
	char text[256];
	struct iov_manifest *manifest = NULL;
	snprintf(text, sizeof(text),
		 "schema: 1\nname: tiny\nversion: 1.0.0\nsummary: Tiny\nlicense: GPL-2.0-only\nbuild:\n  sources: "
		 "[%s]\n",
		 sources);
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", text, strlen(text), &manifest));
	int rc = iov_build_module(ctx, module, manifest, output);
	iov_manifest_free(manifest);
	return rc;
}

/* Nothing is left beside the output but what `names` says. */
static void check_built(size_t names)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, "/built");
	char **found = NULL;
	size_t count = 0;
	ck_assert_int_eq(iov_fs_names(folder, &found, &count), 0);
	iov_fs_names_free(found, count);
	ck_assert_uint_eq(count, names);
}

#define TINY                                                                                                           \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include \"tiny.h\"\n"                                  \
	"SEC(\"xdp\") int tiny(struct xdp_md *ctx)\n{\n\treturn VERDICT;\n}\n"                                         \
	"char LICENSE[] SEC(\"license\") = \"GPL\";\n"

static void write_tiny(void)
{
	write_file("src/tiny.bpf.c", TINY);
	write_file("src/tiny.h", "#define VERDICT XDP_PASS\n");
}

START_TEST(builds_a_module)
{
	struct iov_object *object = NULL;
	struct iov_buf text = {0};
	write_tiny();
	unit_ok(ctx, build("src/tiny.bpf.c"));
	unit_ok(ctx, iov_check_object(ctx, output, &object));
	ck_assert_ptr_nonnull(iov_object_find_program(object, "tiny"));
	iov_object_free(object);
	ck_assert_int_eq(iov_fs_read(output, 1 << 20, &text), 0);
	ck_assert_ptr_null(memmem(text.data, text.len, ".debug_info", 11));
	ck_assert_ptr_nonnull(
		memmem(text.data, text.len, "src/tiny.bpf.c", 14)); /* line info, as the author knows it */
	ck_assert_ptr_null(memmem(text.data, text.len, "/module", 7));
	iov_buf_release(&text);
	ck_assert_uint_eq(warnings.len, 0);
	check_built(1);
}
END_TEST

START_TEST(same_source_same_object)
{
	char first[IOV_HEX_SIZE], second[IOV_HEX_SIZE];
	write_tiny();
	unit_ok(ctx, build("src/tiny.bpf.c"));
	unit_ok(ctx, iov_sha256_file(ctx, output, first));
	free(module);
	module = iov_path(ctx, "/another/author/of/tiny");
	write_tiny();
	unit_ok(ctx, build("src/tiny.bpf.c"));
	unit_ok(ctx, iov_sha256_file(ctx, output, second));
	ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(joins_several_sources)
{
	struct iov_object *object = NULL;
	write_tiny();
	write_file("include/more.h", "#define ANSWER 42\n");
	write_file("more.bpf.c", "#include <more.h>\n__attribute__((section(\"raw_tp/x\"), used)) int more(void *c) { "
				 "return ANSWER; }\n");
	unit_ok(ctx, build("src/tiny.bpf.c, more.bpf.c"));
	unit_ok(ctx, iov_check_object(ctx, output, &object));
	ck_assert_uint_eq(object->n_programs, 2);
	iov_object_free(object);
	write_file("more.bpf.c", TINY);
	write_file("tiny.h", "#define VERDICT XDP_DROP\n");
	unit_fails(ctx, build("src/tiny.bpf.c, more.bpf.c"), IOV_E_BUILD,
		   "module 'tiny': the objects of the module's sources cannot be joined: ");
}
END_TEST

START_TEST(makes_vmlinux_h_when_asked)
{
	write_file("tiny.bpf.c", "#include \"vmlinux.h\"\n__attribute__((section(\"raw_tp/x\"), used))\n"
				 "int tiny(struct task_struct *task) { return sizeof(*task) > 100; }\n");
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		unit_fails(ctx, build("tiny.bpf.c"), IOV_E_UNSUPPORTED, "CONFIG_DEBUG_INFO_BTF=y");
		return;
	}
	unit_ok(ctx, build("tiny.bpf.c"));
	iov_auto(iov_free_ptr) char *cache = iov_path(ctx, IOV_CACHE "/vmlinux");
	ck_assert(iov_fs_exists(cache));
	write_file("vmlinux.h", "#error \"the module's own\"\n");
	unit_fails(ctx, build("tiny.bpf.c"), IOV_E_BUILD, "the module's own");
}
END_TEST

START_TEST(errors_name_place_and_cause)
{
	write_file("src/tiny.bpf.c", "#include \"tiny.h\"\nint f(void)\n{\n\treturn nothing;\n}\n");
	write_file("src/tiny.h", "int g(void) { return nothing_else; }\n");
	unit_fails(ctx, build("src/tiny.bpf.c"), IOV_E_BUILD,
		   "'src/tiny.bpf.c' does not compile:\n"
		   "  src/tiny.h:1:22: error: use of undeclared identifier 'nothing_else'\n"
		   "  src/tiny.bpf.c:4:9: error: use of undeclared identifier 'nothing'");
	check_built(0);
}
END_TEST

START_TEST(only_the_first_errors_are_shown)
{
	struct iov_buf text = {0};
	for (int i = 0; i < 9; i++)
		iov_buf_printf(&text, "int f%d = nothing%d;\n", i, i);
	write_file("tiny.bpf.c", text.data);
	iov_buf_release(&text);
	unit_fails(ctx, build("tiny.bpf.c"), IOV_E_BUILD, "'nothing4'\n  and 4 more");
	ck_assert_ptr_null(strstr(iov_error_text(ctx), "nothing5"));
}
END_TEST

START_TEST(a_missing_header_names_its_package)
{
	write_file("tiny.bpf.c", "#include <bpf/no_such.h>\n");
	unit_fails(ctx, build("tiny.bpf.c"), IOV_E_BUILD, "file not found (install the package 'libbpf-dev')");
}
END_TEST

START_TEST(warnings_are_passed_on)
{
	write_file("tiny.bpf.c", "__attribute__((section(\"xdp\"), used)) int tiny(void *c) { int x; return 0; }\n");
	unit_ok(ctx, build("tiny.bpf.c"));
	ck_assert_str_eq(warnings.data, "tiny.bpf.c:1:63: warning: unused variable 'x' [-Wunused-variable]\n");
}
END_TEST

START_TEST(a_source_must_be_in_the_module)
{
	write_tiny();
	unit_fails(ctx, build("src/other.bpf.c"), IOV_E_INPUT,
		   "module 'tiny': source 'src/other.bpf.c' is not a file in '");
	iov_auto(iov_free_ptr) char *link = NULL;
	ck_assert_int_gt(asprintf(&link, "%s/link.bpf.c", module), 0);
	ck_assert_int_eq(symlink("src/tiny.bpf.c", link), 0);
	unit_fails(ctx, build("link.bpf.c"), IOV_E_INPUT, "is not a file in");
	check_built(0);
}
END_TEST

START_TEST(a_failed_build_leaves_the_old_object)
{
	write_tiny();
	unit_ok(ctx, build("src/tiny.bpf.c"));
	write_file("src/tiny.h", "#define VERDICT nothing\n");
	ck_assert_int_eq(build("src/tiny.bpf.c"), IOV_E_BUILD);
	ck_assert(iov_fs_exists(output));
	check_built(1);
}
END_TEST

START_TEST(the_toolchain_has_a_key)
{
	char first[IOV_HEX_SIZE], second[IOV_HEX_SIZE];
	unit_ok(ctx, iov_build_toolchain(ctx, first));
	unit_ok(ctx, iov_build_toolchain(ctx, second));
	ck_assert(iov_is_sha256_hex(first));
	ck_assert_str_eq(first, second);
}
END_TEST

/* ---- the sandbox itself ---- */

static struct iov_process_result run(const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out");
	struct iov_process_result result = {0};
	ck_assert_int_eq(iov_fs_mkdirs(out, 0700), 0);
	ck_assert_int_eq(iov_fs_mkdirs(module, 0755), 0);
	unit_ok(ctx, iov_sandbox_own(ctx, out));
	unit_ok(ctx,
		iov_sandbox_run(ctx,
				&(struct iov_sandbox){.module = module, .output = out, .argv = argv, .limits = plenty},
				&result));
	return result;
}

static const struct {
	const char *script;
	int status;
	const char *says;
} attempts[] = {
	{"echo > /out/ok && cat /out/ok", 0, ""},
	{"echo > /tmp/ok", 0, ""},
	{"echo > /module/x", 2, "Read-only file system"},
	{"echo > /usr/x", 2, "Read-only file system"},
	{"echo > /x", 2, "Read-only file system"},
	{"ls /etc /home /root /proc /var", 2, "No such file or directory"},
	{"cat /dev/zero", 1, "No such file or directory"},
	{"cd /sys", 2, "can't cd to /sys"},
	{"chown 0 /out", 1, "chown: changing ownership of '/out'"},
	{"mount -t tmpfs none /out", 1, "mount: /out: "},
	{"unshare --net true", 1, "unshare: unshare failed"},
	{"kill -0 3", 1, "No such process"},
};

START_TEST(the_sandbox_holds)
{
	iov_auto(iov_process_result_release) struct iov_process_result result = run(attempts[_i].script);
	const char *text = result.err.data ? result.err.data : "";
	ck_assert_msg(strstr(text, attempts[_i].says) != NULL, "'%s' is not in '%s'", attempts[_i].says, text);
	ck_assert_msg(!result.status == !attempts[_i].status, "'%s': %d, %s", attempts[_i].script, result.status, text);
}
END_TEST

/* The network namespace has a loopback device that is down, and no route. */
START_TEST(the_network_is_not_reachable)
{
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("bash -c ': < /dev/tcp/192.0.2.1/80; : < /dev/tcp/127.0.0.1/80'");
	ck_assert_int_ne(result.status, 0);
	ck_assert_msg(strstr(result.err.data, "/192.0.2.1/80: Network is unreachable") != NULL, "%s", result.err.data);
}
END_TEST

START_TEST(nobody_is_who_compiles)
{
	if (geteuid())
		return;
	iov_auto(iov_process_result_release) struct iov_process_result result = run("id -u; id -g; id -G");
	ck_assert_str_eq(result.out.data, "65527\n65527\n65527\n");
}
END_TEST

/* ---- limits ---- */

static int compile(const char *text, struct iov_build_limits limits)
{
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out");
	write_file("tiny.bpf.c", text);
	iov_auto(iov_free_ptr) char *source = NULL;
	ck_assert_int_gt(asprintf(&source, "%s/tiny.bpf.c", module), 0);
	ck_assert_int_eq(chmod(source, 0644), 0);
	ck_assert_int_eq(chmod(module, 0755), 0);
	ck_assert_int_eq(iov_fs_mkdirs(out, 0700), 0);
	unit_ok(ctx, iov_sandbox_own(ctx, out));
	return iov_compile(
		ctx,
		&(struct iov_compile){
			.module = module, .source = "tiny.bpf.c", .output = out, .object = "0.o", .limits = limits});
}

/* 2^40 words: an hour of preprocessing. */
#define BOMB                                                                                                           \
	"#define A(x) x x\n#define B(x) A(A(A(A(A(A(A(A(x))))))))\n#define C(x) B(B(x))\n#define D(x) C(C(x))\n"       \
	"#if 1\nD(C(;))\n#endif\n"

START_TEST(an_endless_compile_is_cut)
{
	struct iov_build_limits limits = plenty;
	limits.cpu_seconds = 1;
	limits.memory = 0;
	unit_fails(ctx, compile(BOMB, limits), IOV_E_BUILD,
		   "'tiny.bpf.c': the compiler was stopped: it may take 1 s of processor time");
}
END_TEST

START_TEST(a_greedy_compile_is_cut)
{
	struct iov_build_limits limits = plenty;
	limits.memory = 400 << 20;
	unit_fails(ctx, compile(BOMB, limits), IOV_E_BUILD,
		   "'tiny.bpf.c': the compiler was stopped: it may take 400 MB of memory");
}
END_TEST

START_TEST(a_large_object_is_cut)
{
	struct iov_build_limits limits = plenty;
	limits.file = 1 << 20;
	unit_fails(ctx, compile("char large[2 << 20] = {1};\n", limits), IOV_E_BUILD,
		   "'tiny.bpf.c': the compiler was stopped: it may write files of 1 MB");
}
END_TEST

START_TEST(devices_cannot_be_included)
{
	unit_fails(ctx, compile("#include \"/dev/zero\"\n", plenty), IOV_E_BUILD, "'/dev/zero' file not found");
	unit_fails(ctx, compile("#include \"/etc/passwd\"\n", plenty), IOV_E_BUILD, "'/etc/passwd' file not found");
}
END_TEST

Suite *suite_build_build(void)
{
	Suite *suite = suite_create("build/build");
	TCase *tests = tcase_create("build");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, builds_a_module);
	tcase_add_test(tests, same_source_same_object);
	tcase_add_test(tests, joins_several_sources);
	tcase_add_test(tests, makes_vmlinux_h_when_asked);
	tcase_add_test(tests, errors_name_place_and_cause);
	tcase_add_test(tests, only_the_first_errors_are_shown);
	tcase_add_test(tests, a_missing_header_names_its_package);
	tcase_add_test(tests, warnings_are_passed_on);
	tcase_add_test(tests, a_source_must_be_in_the_module);
	tcase_add_test(tests, a_failed_build_leaves_the_old_object);
	tcase_add_test(tests, the_toolchain_has_a_key);
	tcase_add_loop_test(tests, the_sandbox_holds, 0, IOV_COUNT(attempts));
	tcase_add_test(tests, the_network_is_not_reachable);
	tcase_add_test(tests, nobody_is_who_compiles);
	tcase_add_test(tests, an_endless_compile_is_cut);
	tcase_add_test(tests, a_greedy_compile_is_cut);
	tcase_add_test(tests, a_large_object_is_cut);
	tcase_add_test(tests, devices_cannot_be_included);
	suite_add_tcase(suite, tests);
	return suite;
}
