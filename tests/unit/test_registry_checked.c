/* What was checked is kept by digest, within bounds; and a file that moved on is found under its hash. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "folders.h"
#include "registry/checked.h"
#include "registry/recent.h"
#include "registry/source.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;
static char *folder;

static void set_up(void)
{
	ctx = unit_ctx();
	folder = iov_path(ctx, "/files");
}

static void tear_down(void)
{
	free(folder);
	unit_ctx_free(ctx);
}

static struct iov_listed listed(const char *text)
{
	struct iov_listed listed = {.size = strlen(text)};
	iov_sha256_hex(text, strlen(text), listed.sha256);
	return listed;
}

static void keep(const char *text)
{
	struct iov_listed what = listed(text);
	iov_auto(iov_buf_release) struct iov_buf buf = {0};
	iov_buf_puts(&buf, text);
	iov_checked_write(folder, &what, &buf);
}

static bool is_kept(const char *text)
{
	struct iov_listed what = listed(text);
	iov_auto(iov_buf_release) struct iov_buf buf = {0};
	bool found = iov_checked_read(folder, &what, &buf);
	ck_assert(!found || !strcmp(buf.data, text));
	return found;
}

static char *path_of(const char *text)
{
	struct iov_listed what = listed(text);
	char *path = NULL;
	ck_assert_int_gt(asprintf(&path, "%s/%s", folder, what.sha256), 0);
	return path;
}

START_TEST(what_is_kept_is_found)
{
	ck_assert(!is_kept("abc"));
	keep("abc");
	keep("");
	ck_assert(is_kept("abc"));
	ck_assert(is_kept(""));
	ck_assert(!is_kept("def"));
}
END_TEST

START_TEST(what_is_damaged_is_gone)
{
	keep("abc");
	iov_auto(iov_free_ptr) char *path = path_of("abc");
	ck_assert_int_eq(iov_fs_replace(path, "abd", 3, 0644), 0);
	ck_assert(!is_kept("abc"));
	ck_assert(!iov_fs_exists(path));
	keep("abc");
	ck_assert(is_kept("abc"));
}
END_TEST

START_TEST(nowhere_to_keep_is_no_error)
{
	ck_assert_int_eq(iov_fs_replace(folder, "x", 1, 0644), 0);
	keep("abc");
	ck_assert(!is_kept("abc"));
}
END_TEST

static void age(const char *text, time_t seconds)
{
	struct timespec times[2] = {{.tv_sec = 1000000 - seconds}, {.tv_sec = 1000000 - seconds}};
	iov_auto(iov_free_ptr) char *path = path_of(text);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(the_longest_unused_go_first)
{
	static const char *const texts[] = {"a", "bb", "ccc", "dddd"};
	for (size_t i = 0; i < IOV_COUNT(texts); i++) {
		keep(texts[i]);
		age(texts[i], (time_t)i);
	}
	iov_checked_prune(folder, &(struct iov_checked_bounds){4, 10});
	for (size_t i = 0; i < IOV_COUNT(texts); i++) {
		ck_assert(is_kept(texts[i]));
		age(texts[i], (time_t)i);
	}
	iov_checked_prune(folder, &(struct iov_checked_bounds){3, 1000});
	ck_assert(is_kept("a"));
	ck_assert(!is_kept("bb"));
	ck_assert(!is_kept("dddd"));
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
	keep("0123456789");
	keep("abcdefghij");
	age("abcdefghij", 10);
	iov_checked_prune(folder, &(struct iov_checked_bounds){100, 20});
	ck_assert(is_kept("abcdefghij"));
	age("abcdefghij", 10);
	age("0123456789", 1);
	iov_checked_prune(folder, &(struct iov_checked_bounds){100, 19});
	ck_assert(!is_kept("abcdefghij"));
}
END_TEST

/* ---- a source that moves on ---- */

static bool recall(const struct iov_source *source, const struct iov_listed *what, struct iov_buf *ret)
{
	(void)source;
	return iov_checked_read(folder, what, ret);
}

static void keep_it(const struct iov_source *source, const struct iov_listed *what, const struct iov_buf *text)
{
	(void)source;
	iov_checked_write(folder, what, text);
}

/* What is settled on when a path gave `came`, and copies are as given; "" stands for nothing. */
static void settle(const char *wanted, const char *came, const char *copy, const char *expected, size_t questions)
{
	char path[IOV_HASH_PATH_MAX];
	struct unit_folder files = {.questions = 0};
	struct iov_source source = unit_folder_source(&files);
	struct iov_listed what = listed(wanted);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	source.recall = recall;
	source.keep = keep_it;
	iov_hash_path(what.sha256, path);
	if (*copy)
		unit_ok(ctx, iov_changes_put(ctx, &files.files, path, copy, strlen(copy)));
	if (*came)
		iov_buf_puts(&text, came);
	unit_ok(ctx, iov_source_settle(ctx, &source, &what, &text));
	ck_assert_str_eq(text.data ? text.data : "", expected);
	ck_assert_uint_eq(files.questions, questions);
	unit_folder_release(&files);
}

START_TEST(settles_on_what_is_listed)
{
	settle("new", "old", "new", "new", 1); /* under its hash */
	settle("new", "old", "", "new", 0);    /* kept from before */
	settle("other", "other", "", "other", 0);
	ck_assert(is_kept("other"));
	settle("third", "", "third", "third", 1);
}
END_TEST

START_TEST(leaves_what_is_not)
{
	settle("new", "old", "", "old", 1);
	settle("new", "old", "odd", "old", 1);
	settle("new", "", "", "", 1);
	ck_assert(!is_kept("old"));
	ck_assert(!is_kept("odd"));
}
END_TEST

Suite *suite_registry_checked(void)
{
	TCase *tests = tcase_create("checked");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_is_kept_is_found);
	tcase_add_test(tests, what_is_damaged_is_gone);
	tcase_add_test(tests, nowhere_to_keep_is_no_error);
	tcase_add_test(tests, the_longest_unused_go_first);
	tcase_add_test(tests, bytes_are_bounded_too);
	tcase_add_test(tests, settles_on_what_is_listed);
	tcase_add_test(tests, leaves_what_is_not);
	Suite *suite = suite_create("registry_checked");
	suite_add_tcase(suite, tests);
	return suite;
}
