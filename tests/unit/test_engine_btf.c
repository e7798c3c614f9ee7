/* Cut-down BTF leads libbpf to the very same instructions as the kernel's own, is kept, and is not trusted when
 * damaged. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/btf_cache.h"
#include "engine/btf_cut.h"
#include "engine/btf_targets.h"
#include "live.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* The tag is a digest of the relocated instructions. */
static void load_tag(const char *path, const char *btf, unsigned char ret[BPF_TAG_SIZE])
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf);
	struct bpf_object *object = bpf_object__open_file(path, &options);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(bpf_object__load(object), 0);
	int fd = bpf_program__fd(bpf_object__next_program(object, NULL));
	ck_assert_int_eq(bpf_prog_get_info_by_fd(fd, &info, &len), 0);
	memcpy(ret, info.tag, BPF_TAG_SIZE);
	bpf_object__close(object);
}

static struct iov_btf_targets no_targets;

static void open_cache(struct iov_ctx *ctx, const char *object, char path[64])
{
	int fd = iov_btf_cache_open(ctx, object, &no_targets);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(iov_error_code(ctx), IOV_OK);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
}

static char *entry_of(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *dir = iov_path(ctx, IOV_CACHE "/btf");
	char path[600] = "", **names = NULL;
	size_t count = 0;
	snprintf(path, sizeof(path), "%s", dir);
	for (int level = 0; level < 2; level++) {
		ck_assert_int_eq(iov_fs_names(path, &names, &count), 0);
		ck_assert_uint_eq(count, 1);
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", names[0]);
		iov_fs_names_free(names, count);
	}
	return strdup(path);
}

START_TEST(test_same_instructions)
{
	unsigned char plain[BPF_TAG_SIZE], made[BPF_TAG_SIZE], kept[BPF_TAG_SIZE];
	char path[64];
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	load_tag(live_object("core"), NULL, plain);
	open_cache(ctx, live_object("core"), path);
	load_tag(live_object("core"), path, made);
	open_cache(ctx, live_object("core"), path);
	load_tag(live_object("core"), path, kept);
	ck_assert_mem_eq(plain, made, sizeof(plain));
	ck_assert_mem_eq(plain, kept, sizeof(plain));
	live_ctx_free(ctx);
}
END_TEST

START_TEST(test_damaged)
{
	char path[64];
	iov_auto(iov_buf_release) struct iov_buf whole = {0}, again = {0};
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	open_cache(ctx, live_object("core"), path);
	iov_auto(iov_free_ptr) char *entry = entry_of(ctx);
	ck_assert_int_eq(iov_fs_read(entry, 1 << 20, &whole), 0);
	ck_assert_uint_gt(whole.len, 100);
	ck_assert_int_eq(truncate(entry, (off_t)whole.len - 20), 0);
	open_cache(ctx, live_object("core"), path); /* made anew */
	ck_assert_int_eq(iov_fs_read(entry, 1 << 20, &again), 0);
	ck_assert_uint_eq(again.len, whole.len);
	ck_assert_mem_eq(again.data, whole.data, whole.len);
	live_ctx_free(ctx);
}
END_TEST

START_TEST(test_needs_none)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	for (int kept = 0; kept < 2; kept++) {
		ck_assert_int_eq(iov_btf_cache_open(ctx, live_object("table"), &no_targets), -1);
		ck_assert_int_eq(iov_btf_cache_open(ctx, "/etc/passwd", &no_targets), -1);
		ck_assert_int_eq(iov_btf_cache_open(ctx, "/nowhere", &no_targets), -1);
	}
	ck_assert_int_eq(iov_error_code(ctx), IOV_OK);
	live_ctx_free(ctx);
}
END_TEST

static void cut(struct iov_ctx *ctx, const char *object, const struct btf *kernel, struct btf **ret, bool *ret_missing)
{
	iov_auto(iov_btf_needs_release) struct iov_btf_needs needs = {0};
	unit_ok(ctx, iov_btf_needs_read(ctx, live_object(object), &needs));
	ck_assert_uint_gt(needs.n_roots, 0);
	ck_assert(!needs.whole);
	unit_ok(ctx, iov_btf_cut(ctx, &needs, kernel, ret, ret_missing));
}

/* What the kernel lacks a module may have, so it must be told. */
START_TEST(test_missing)
{
	struct btf *part = NULL;
	bool missing = false;
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	struct btf *kernel = btf__load_vmlinux_btf();
	cut(ctx, "core_missing", kernel, &part, &missing);
	ck_assert(missing);
	ck_assert_int_lt(btf__find_by_name_kind(part, "no_such_struct", BTF_KIND_STRUCT), 0);
	btf__free(part);

	cut(ctx, "core", kernel, &part, &missing);
	ck_assert(!missing);
	ck_assert_int_gt(btf__find_by_name_kind(part, "task_struct", BTF_KIND_STRUCT), 0);
	ck_assert_int_lt(btf__find_by_name_kind(part, "sk_buff", BTF_KIND_STRUCT), 0);
	btf__free(part);
	btf__free(kernel);
	live_ctx_free(ctx);
}
END_TEST

/* ---- types to attach to ---- */

/* A release of tests/objects/tracing.bpf.c, as far as the engine looks at one. */
static struct iov_object_program tracing_programs[] = {
	{.name = "on_exit", .section = "tp_btf/sched_process_exit", .type = "tracing", .autoload = true},
	{.name = "on_fork", .section = "tp_btf/sched_process_fork", .type = "tracing", .autoload = true},
	{.name = "enter", .section = "fentry/do_exit", .type = "tracing", .autoload = false},
};
static struct iov_object tracing_object = {.programs = tracing_programs, .n_programs = IOV_COUNT(tracing_programs)};
static struct iov_manifest no_manifest;
static const struct iov_release tracing = {.manifest = &no_manifest, .object = &tracing_object};

static void targets_of_tracing(struct iov_ctx *ctx, struct iov_btf_targets *ret)
{
	unit_ok(ctx, iov_btf_targets_of(ctx, &tracing, NULL, ret));
	ck_assert_uint_eq(ret->count, 2); /* nobody asked for the "?fentry" */
	ck_assert_str_eq(ret->items[0].name, "btf_trace_sched_process_exit");
}

struct loaded {
	struct bpf_prog_info exit, fork;
};

static void load_tracing(const char *part, struct loaded *ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = part);
	struct bpf_object *object = bpf_object__open_file(live_object("tracing"), &options);
	uint32_t len = sizeof(ret->exit);
	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(bpf_object__load(object), 0);
	memset(ret, 0, sizeof(*ret));
	int exit_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "on_exit"));
	int fork_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "on_fork"));
	ck_assert_int_eq(bpf_prog_get_info_by_fd(exit_fd, &ret->exit, &len), 0);
	ck_assert_int_eq(bpf_prog_get_info_by_fd(fork_fd, &ret->fork, &len), 0);
	bpf_object__close(object);
}

static void check_same(const struct bpf_prog_info *a, const struct bpf_prog_info *b)
{
	ck_assert_mem_eq(a->tag, b->tag, BPF_TAG_SIZE);
	ck_assert_uint_ne(a->attach_btf_id, 0);
	ck_assert_uint_eq(a->attach_btf_id, b->attach_btf_id);
	ck_assert_uint_eq(a->attach_btf_obj_id, b->attach_btf_obj_id);
	ck_assert_uint_eq(a->type, b->type);
}

#define KERNEL_BTF_LEAST (1 << 20) /* bytes; several times as much on today's kernels */

/* Bytes that this process has read; 0: the kernel does not count. */
static long long bytes_read(void)
{
	long long count = 0;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const char *line = iov_fs_read("/proc/self/io", 4096, &text) ? NULL : strstr(text.data, "rchar: ");
	if (line)
		ck_assert_int_eq(sscanf(line, "rchar: %lld", &count), 1);
	return count;
}

/* The programs are what they are with the kernel's BTF, but it is not read. */
START_TEST(test_same_targets)
{
	struct loaded slow, fast;
	char path[64];
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	load_tracing(NULL, &slow);
	for (int kept = 0; kept < 2; kept++) {
		iov_auto(iov_btf_targets_release) struct iov_btf_targets targets = {0};
		targets_of_tracing(ctx, &targets);
		int fd = iov_btf_cache_open(ctx, live_object("tracing"), &targets);
		ck_assert_int_ge(fd, 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		unit_ok(ctx, iov_btf_targets_serve(ctx, &targets, 0));
		ck_assert_uint_gt(targets.n_handlers, 0);
		long long before = bytes_read();
		load_tracing(path, &fast);
		ck_assert_int_lt(bytes_read() - before, KERNEL_BTF_LEAST);
		close(fd);
		check_same(&slow.exit, &fast.exit);
		check_same(&slow.fork, &fast.fork);
	}
	load_tracing(NULL, &fast); /* the handlers are gone again */
	check_same(&slow.exit, &fast.exit);
	live_ctx_free(ctx);
}
END_TEST

/* An entry that does not know a name is made anew, and what the kernel lacks is left to libbpf. */
START_TEST(test_other_targets)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	iov_auto(iov_btf_targets_release) struct iov_btf_targets targets = {0};
	close(iov_btf_cache_open(ctx, live_object("tracing"), &no_targets));
	targets_of_tracing(ctx, &targets);
	close(iov_btf_cache_open(ctx, live_object("tracing"), &targets));
	ck_assert_uint_ne(targets.items[1].id, 0);
	free(targets.items[1].name);
	targets.items[1].name = strdup("btf_trace_no_such_event");
	for (int kept = 0; kept < 2; kept++) {
		close(iov_btf_cache_open(ctx, live_object("tracing"), &targets));
		ck_assert_uint_ne(targets.items[0].id, 0);
		ck_assert_uint_eq(targets.items[1].id, 0);
	}
	unit_ok(ctx, iov_btf_targets_serve(ctx, &targets, 0));
	ck_assert_uint_eq(targets.n_handlers, 0);
	live_ctx_free(ctx);
}
END_TEST

Suite *suite_engine_btf(void)
{
	Suite *suite = suite_create("engine/btf");
	TCase *tcase = tcase_create("live");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_same_instructions);
	tcase_add_test(tcase, test_damaged);
	tcase_add_test(tcase, test_needs_none);
	tcase_add_test(tcase, test_missing);
	tcase_add_test(tcase, test_same_targets);
	tcase_add_test(tcase, test_other_targets);
	suite_add_tcase(suite, tcase);
	return suite;
}
