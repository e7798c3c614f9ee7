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

static void open_cache(struct iov_ctx *ctx, const char *object, char path[64])
{
	int fd = iov_btf_cache_open(ctx, object);
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
	ck_assert_int_eq(iov_btf_cache_open(ctx, live_object("table")), -1);
	ck_assert_int_eq(iov_btf_cache_open(ctx, "/etc/passwd"), -1);
	ck_assert_int_eq(iov_btf_cache_open(ctx, "/nowhere"), -1);
	ck_assert_int_eq(iov_error_code(ctx), IOV_OK);
	live_ctx_free(ctx);
}
END_TEST

/* What the kernel lacks a module may have, so it must be told. */
START_TEST(test_missing)
{
	struct iov_btf_cutter *cutter = NULL;
	const struct btf *btf = NULL;
	bool missing = false;
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	unit_ok(ctx, iov_btf_cutter_new(ctx, live_object("core_missing"), &cutter));
	ck_assert_ptr_nonnull(cutter);
	unit_ok(ctx, iov_btf_cut(cutter, &btf, &missing));
	ck_assert(missing);
	ck_assert_int_lt(btf__find_by_name_kind(btf, "no_such_struct", BTF_KIND_STRUCT), 0);
	iov_btf_cutter_free(cutter);

	unit_ok(ctx, iov_btf_cutter_new(ctx, live_object("core"), &cutter));
	unit_ok(ctx, iov_btf_cut(cutter, &btf, &missing));
	ck_assert(!missing);
	ck_assert_int_gt(btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT), 0);
	ck_assert_int_lt(btf__find_by_name_kind(btf, "sk_buff", BTF_KIND_STRUCT), 0);
	iov_btf_cutter_free(cutter);
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
	suite_add_tcase(suite, tcase);
	return suite;
}
