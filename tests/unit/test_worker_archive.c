/* Archives through the real worker: packed twice they are the same, and of those that are not ours each is refused with
 * its reason. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/release.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

static const struct iov_unpack_limits limits = {.unpacked = 1 << 20, .files = 100};

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

/* Every file that came as "path size\n", then its bytes. */
static int write_down(struct iov_ctx *context, const char *path, uint64_t size, const void *data, size_t len,
		      void *cookie)
{
	(void)context;
	if (data)
		iov_buf_add(cookie, data, len);
	else
		iov_buf_printf(cookie, "%s %llu\n", path, (unsigned long long)size);
	return IOV_OK;
}

static int unpack(const char *path, const struct iov_unpack_limits *with, struct iov_buf *ret)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return iov_archive_unpack(ctx, fd, with, write_down, ret);
}

static char *write_file(const char *name, const char *data, size_t len)
{
	char *path = iov_path(ctx, "/%s", name);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, data, len, 0644), 0);
	return path;
}

static void pack(const struct iov_pack_entry *entries, size_t count, const char *path)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	unit_ok(ctx, iov_archive_pack(ctx, entries, count, fd));
}

START_TEST(packs_and_unpacks)
{
	enum { BIG = 300000 };
	char *big = calloc(1, BIG + 1), name[IOV_PATH_MAX + 1];
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)('a' + i * 2654435761u % 26);
	memset(name, 'n', IOV_PATH_MAX);
	name[IOV_PATH_MAX] = '\0';
	iov_auto(iov_free_ptr) char *first = write_file("first", "", 0);
	iov_auto(iov_free_ptr) char *second = write_file("second", big, BIG);
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out.iov");
	struct iov_pack_entry entries[] = {{"a/empty", first}, {"big", second}, {name, first}};
	pack(entries, 3, out);
	iov_auto(iov_buf_release) struct iov_buf got = {0}, want = {0};
	unit_ok(ctx, unpack(out, &limits, &got));
	iov_buf_printf(&want, "a/empty 0\nbig %d\n%s%s 0\n", BIG, big, name);
	ck_assert_str_eq(got.data, want.data);
	free(big);
}
END_TEST

START_TEST(same_files_are_same_bytes)
{
	char one[IOV_HEX_SIZE], two[IOV_HEX_SIZE];
	iov_auto(iov_free_ptr) char *first = write_file("here/x", "content\n", 8);
	iov_auto(iov_free_ptr) char *second = write_file("there/y", "content\n", 8);
	iov_auto(iov_free_ptr) char *a = iov_path(ctx, "/a.iov");
	iov_auto(iov_free_ptr) char *b = iov_path(ctx, "/b.iov");
	const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	ck_assert_int_eq(utimensat(AT_FDCWD, second, times, 0), 0);
	ck_assert_int_eq(chmod(second, 0700), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(second, 12, 34), 0);
	pack(&(struct iov_pack_entry){"src/x.bpf.c", first}, 1, a);
	pack(&(struct iov_pack_entry){"src/x.bpf.c", second}, 1, b);
	unit_ok(ctx, iov_sha256_file(ctx, a, one));
	unit_ok(ctx, iov_sha256_file(ctx, b, two));
	ck_assert_str_eq(one, two);
}
END_TEST

START_TEST(refuses_to_pack_what_is_no_plain_file)
{
	iov_auto(iov_free_ptr) char *file = write_file("file", "1", 1);
	iov_auto(iov_free_ptr) char *link = iov_path(ctx, "/link");
	iov_auto(iov_free_ptr) char *pipe = iov_path(ctx, "/pipe");
	iov_auto(iov_free_ptr) char *missing = iov_path(ctx, "/missing");
	ck_assert_int_eq(symlink(file, link), 0);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	iov_auto(iov_close_fd) int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	unit_fails(ctx, iov_archive_pack(ctx, &(struct iov_pack_entry){"a", link}, 1, out), IOV_E_INPUT,
		   "link' is a symbolic link; replace it by the file");
	unit_fails(ctx, iov_archive_pack(ctx, &(struct iov_pack_entry){"a", pipe}, 1, out), IOV_E_INPUT,
		   "is not a plain file");
	unit_fails(ctx, iov_archive_pack(ctx, &(struct iov_pack_entry){"a", missing}, 1, out), IOV_E_IO,
		   "No such file");
	unit_fails(ctx, iov_archive_pack(ctx, &(struct iov_pack_entry){"../a", file}, 1, out), IOV_E_INPUT,
		   "'../a' cannot be a path");
	struct iov_pack_entry unsorted[] = {{"b", file}, {"a", file}};
	unit_fails(ctx, iov_archive_pack(ctx, unsorted, 2, out), IOV_E_INTERNAL, "not sorted at 'a'");
}
END_TEST

START_TEST(says_that_the_disk_is_full)
{
	iov_auto(iov_free_ptr) char *file = write_file("file", "1", 1);
	iov_auto(iov_close_fd) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(full, 0);
	unit_fails(ctx, iov_archive_pack(ctx, &(struct iov_pack_entry){"a", file}, 1, full), IOV_E_SPACE,
		   "No space left");
}
END_TEST

START_TEST(limits_are_exact)
{
	iov_auto(iov_free_ptr) char *file = write_file("file", "12345", 5);
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out.iov");
	struct iov_pack_entry entries[] = {{"a", file}, {"b", file}};
	pack(entries, 2, out);
	iov_auto(iov_buf_release) struct iov_buf got = {0};
	unit_ok(ctx, unpack(out, &(struct iov_unpack_limits){.unpacked = 10, .files = 2}, &got));
	unit_fails(ctx, unpack(out, &(struct iov_unpack_limits){.unpacked = 9, .files = 2}, &got), IOV_E_UNTRUSTED,
		   "larger than the 9 bytes");
	unit_fails(ctx, unpack(out, &(struct iov_unpack_limits){.unpacked = 10, .files = 1}, &got), IOV_E_UNTRUSTED,
		   "more than the 1 files");
}
END_TEST

static int refuse(struct iov_ctx *context, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	(void)size;
	(void)data;
	(void)len;
	(void)cookie;
	return iov_error(context, IOV_E_SPACE, "no room for '%s'", path);
}

START_TEST(a_sink_can_stop_it)
{
	iov_auto(iov_close_fd) int fd = open(unit_data("fuzz/corpus/archive/good.iov"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	unit_fails(ctx, iov_archive_unpack(ctx, fd, &limits, refuse, NULL), IOV_E_SPACE, "no room for 'a'");
}
END_TEST

/* ---- the archives of others ------------------------------------------------------------------------------------- */

/* " NAME": that file and no other; "": whatever it holds. */
static void check_names(const char *name, const char *expected, const struct iov_buf *got)
{
	char found[64];
	unsigned size;
	if (!*expected)
		return;
	ck_assert_msg(got->data && sscanf(got->data, "%63s %u", found, &size) == 2, "%s is empty", name);
	ck_assert_msg(!strcmp(found, expected + 1), "%s holds '%s'", name, found);
	ck_assert_msg(got->len == strlen(found) + 3 + size, "%s holds more:\n%s", name, got->data);
}

static void check_case(const char *name, const char *words)
{
	char relative[128];
	snprintf(relative, sizeof(relative), "fuzz/corpus/archive/%s.iov", name);
	iov_auto(iov_buf_release) struct iov_buf got = {0};
	int rc = unpack(unit_data(relative), &limits, &got);
	if (!strncmp(words, "ok", 2)) {
		ck_assert_msg(rc == IOV_OK, "%s: %s", name, iov_error_text(ctx));
		check_names(name, words + 2, &got);
		return;
	}
	ck_assert_msg(rc == IOV_E_UNTRUSTED, "%s: code %d: %s", name, rc, rc ? iov_error_text(ctx) : "");
	ck_assert_msg(strstr(iov_error_text(ctx), words), "%s: '%s' is not in '%s'", name, words, iov_error_text(ctx));
}

START_TEST(refuses_hostile_archives)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(unit_data("archives/cases.txt"), 1 << 16, &text), 0);
	size_t checked = 0, count;
	char *rest = text.data, *line, **names;
	while ((line = strsep(&rest, "\n"))) {
		char name[64], words[128];
		if (*line == '#' || sscanf(line, "%63s %127[^\n]", name, words) != 2)
			continue;
		check_case(name, words);
		checked++;
	}
	ck_assert_int_eq(iov_fs_names(unit_data("fuzz/corpus/archive"), &names, &count), 0);
	iov_fs_names_free(names, count);
	ck_assert_msg(checked == count, "%zu cases, but %zu archives", checked, count);
}
END_TEST

/* With the limits of a release: what unfolds without end costs no more than what unfolds to the limit. */
START_TEST(bombs_are_bounded)
{
	static const char *const bombs[] = {"zstd-bomb", "zstd-window"};
	const struct iov_unpack_limits most = {.unpacked = IOV_UNPACKED_MAX, .files = IOV_FILES_MAX};
	struct rusage usage;
	for (size_t i = 0; i < IOV_COUNT(bombs); i++) {
		char relative[128];
		snprintf(relative, sizeof(relative), "fuzz/corpus/archive/%s.iov", bombs[i]);
		iov_auto(iov_buf_release) struct iov_buf got = {0};
		int rc = unpack(unit_data(relative), &most, &got);
		ck_assert_msg(rc == IOV_E_UNTRUSTED, "%s: code %d", bombs[i], rc);
	}
	ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
	ck_assert_int_lt(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec, 60);
#if !defined(__SANITIZE_ADDRESS__)
	ck_assert_int_lt(usage.ru_maxrss, 64 << 10); /* KiB, of the largest worker */
#endif
}
END_TEST

Suite *suite_worker_archive(void);
Suite *suite_worker_archive(void)
{
	Suite *suite = suite_create("worker_archive");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, packs_and_unpacks);
	tcase_add_test(tests, same_files_are_same_bytes);
	tcase_add_test(tests, refuses_to_pack_what_is_no_plain_file);
	tcase_add_test(tests, says_that_the_disk_is_full);
	tcase_add_test(tests, limits_are_exact);
	tcase_add_test(tests, a_sink_can_stop_it);
	tcase_add_test(tests, refuses_hostile_archives);
	tcase_add_test(tests, bombs_are_bounded);
	suite_add_tcase(suite, tests);
	return suite;
}
