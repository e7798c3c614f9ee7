/* Which hash-named copies a commit adds and removes. */
#include <stdio.h>
#include <string.h>

#include "registry/recent.h"
#include "unit.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct iov_recent recent;

static void set_up(void)
{
	ctx = unit_ctx();
	recent = (struct iov_recent){0};
}

static void tear_down(void)
{
	iov_recent_release(&recent);
	unit_ctx_free(ctx);
}

static const struct iov_git_file *find(const struct iov_changes *changes, const char *path)
{
	for (size_t i = 0; i < changes->count; i++)
		if (!strcmp(changes->files[i].path, path))
			return &changes->files[i];
	return NULL;
}

/* A head that makes one file. */
static void make(const char *text, uint64_t head, int64_t now, struct iov_changes *changes)
{
	unit_ok(ctx, iov_recent_add(ctx, &recent, text, strlen(text), changes));
	unit_ok(ctx, iov_recent_seal(ctx, &recent, head, now, changes));
}

static void path_of(const char *text, char ret[IOV_HASH_PATH_MAX])
{
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex(text, strlen(text), sha256);
	iov_hash_path(sha256, ret);
}

START_TEST(a_copy_is_listed)
{
	char path[IOV_HASH_PATH_MAX];
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	make("abc", 7, 1000, &changes);
	path_of("abc", path);
	ck_assert_str_eq(path, "by-hash/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_str_eq(find(&changes, path)->data, "abc");
	ck_assert_str_eq(find(&changes, IOV_RECENT_PATH)->data,
			 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 7 1000\n");
}
END_TEST

/* `after` heads and `seconds` later, is the copy of "abc" removed? */
static bool removed_after(uint64_t heads, int64_t seconds)
{
	char path[IOV_HASH_PATH_MAX];
	iov_auto(iov_changes_release) struct iov_changes first = {0};
	iov_auto(iov_changes_release) struct iov_changes later = {0};
	iov_recent_release(&recent);
	make("abc", 7, 1000, &first);
	make("def", 7 + heads, 1000 + seconds, &later);
	path_of("abc", path);
	const struct iov_git_file *file = find(&later, path);
	ck_assert(!file || !file->data);
	ck_assert_uint_eq(recent.count, file ? 1 : 2);
	return file != NULL;
}

START_TEST(copies_go_when_their_time_is_over)
{
	ck_assert(!removed_after(1, 0));
	ck_assert(!removed_after(IOV_RECENT_HEADS - 1, 10 * IOV_RECENT_SECONDS));
	ck_assert(removed_after(IOV_RECENT_HEADS, IOV_RECENT_SECONDS));
	ck_assert(!removed_after(IOV_RECENT_HEADS, IOV_RECENT_SECONDS - 1));
	ck_assert(!removed_after(IOV_RECENT_HEADS_MAX - 1, 1));
	ck_assert(removed_after(IOV_RECENT_HEADS_MAX, 1));
}
END_TEST

START_TEST(what_comes_back_stays_as_long_again)
{
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	make("abc", 7, 1000, &changes);
	make("abc", 50, 100000, &changes);
	ck_assert_uint_eq(recent.count, 1);
	ck_assert_uint_eq(recent.items[0].head, 50);
}
END_TEST

START_TEST(an_empty_list_is_no_file)
{
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	make("abc", 7, 1000, &changes);
	unit_ok(ctx, iov_recent_seal(ctx, &recent, 1000, 1000000, &changes));
	ck_assert_ptr_null(find(&changes, IOV_RECENT_PATH)->data);
}
END_TEST

START_TEST(the_list_is_read_back)
{
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	struct iov_recent again = {0};
	make("abc", 7, 1000, &changes);
	make("def", 8, 1001, &changes);
	const struct iov_git_file *list = find(&changes, IOV_RECENT_PATH);
	unit_ok(ctx, iov_recent_parse(ctx, "list", list->data, list->len, &again));
	ck_assert_uint_eq(again.count, 2);
	ck_assert_uint_eq(again.items[1].head, 8);
	ck_assert_int_eq(again.items[1].time, 1001);
	iov_recent_release(&again);
}
END_TEST

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

START_TEST(what_is_no_list)
{
	static const char *const bad[] = {
		"x\n",
		HEX "\n",
		HEX " 1\n",
		HEX " 1 2",
		HEX " 01 2\n",
		HEX " 1 -2\n",
		HEX "  2\n",
		HEX " 1 2 3\n",
		HEX " 1 1234567890123456789\n",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD 1 2\n",
	};
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		unit_fails(ctx, iov_recent_parse(ctx, "the list", bad[i], strlen(bad[i]), &recent), IOV_E_UNTRUSTED,
			   "line 1 of the list");
	unit_ok(ctx, iov_recent_parse(ctx, "the list", "", 0, &recent));
}
END_TEST

Suite *suite_registry_recent(void)
{
	TCase *tests = tcase_create("copies");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_copy_is_listed);
	tcase_add_test(tests, copies_go_when_their_time_is_over);
	tcase_add_test(tests, what_comes_back_stays_as_long_again);
	tcase_add_test(tests, an_empty_list_is_no_file);
	tcase_add_test(tests, the_list_is_read_back);
	tcase_add_test(tests, what_is_no_list);
	Suite *suite = suite_create("registry_recent");
	suite_add_tcase(suite, tests);
	return suite;
}
