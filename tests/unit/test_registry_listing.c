#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/listing.h"
#include "unit.h"
#include "util/cleanup.h"

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

static int parse(const char *text, struct iov_listing *ret)
{
	return iov_listing_parse(ctx, "manifest/ab", text, strlen(text), ret);
}

START_TEST(reads_finds_and_writes)
{
	static const char text[] = "a-b " SHA " 0\nflow-table " SHA " 123\nz9 " SHA " 999999999999999\n";
	iov_auto(iov_listing_release) struct iov_listing listing = {0};
	iov_auto(iov_buf_release) struct iov_buf again = {0};
	unit_ok(ctx, parse(text, &listing));
	ck_assert_uint_eq(listing.count, 3);
	ck_assert_uint_eq(iov_listing_find(&listing, "flow-table")->size, 123);
	ck_assert_str_eq(iov_listing_find(&listing, "z9")->sha256, SHA);
	ck_assert_ptr_null(iov_listing_find(&listing, "flow"));
	unit_ok(ctx, iov_listing_text(ctx, &listing, &again));
	ck_assert_str_eq(again.data, text);
}
END_TEST

START_TEST(nothing_is_a_listing)
{
	iov_auto(iov_listing_release) struct iov_listing listing = {0};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	unit_ok(ctx, parse("", &listing));
	ck_assert_uint_eq(listing.count, 0);
	ck_assert_ptr_null(iov_listing_find(&listing, "a"));
	unit_ok(ctx, iov_listing_text(ctx, &listing, &text));
	ck_assert_ptr_nonnull(text.data);
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(refuses_other_lines)
{
	static const char *const bad[] = {
		"a " SHA " 1", /* no newline */
		"a " SHA "\n", /* no length */
		"a " SHA " \n",
		"a " SHA " 01\n",
		"a " SHA " -1\n",
		"a " SHA " +1\n",
		"a " SHA " 1 \n",
		"a " SHA " 1x\n",
		"a " SHA " 9999999999999999\n", /* over any limit */
		"a " SHA "  1\n",
		"a  " SHA " 1\n",
		" " SHA " 1\n",
		"A " SHA " 1\n",
		"../a " SHA " 1\n",
		"a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA 1\n",
		"a aaaa 1\n",
		"\n",
		"b " SHA " 1\na " SHA " 1\n", /* not sorted */
		"a " SHA " 1\na " SHA " 1\n", /* twice */
		"a " SHA " 1\n\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " SHA " 1\n", /* 65 bytes */
	};
	struct iov_listing listing;
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		ck_assert_msg(parse(bad[i], &listing) == IOV_E_UNTRUSTED, "'%s' was taken", bad[i]);
	unit_fails(ctx, parse("a " SHA " 1\n?\n", &listing), IOV_E_UNTRUSTED, "line 2 of manifest/ab is not");
}
END_TEST

START_TEST(set_keeps_the_order)
{
	static const char *const names[] = {"m", "z", "a", "n", "m"};
	iov_auto(iov_listing_release) struct iov_listing listing = {0};
	for (size_t i = 0; i < IOV_COUNT(names); i++)
		unit_ok(ctx, iov_listing_set(ctx, &listing, names[i], "1234", i));
	ck_assert_uint_eq(listing.count, 4);
	ck_assert_str_eq(listing.items[0].name, "a");
	ck_assert_str_eq(listing.items[1].name, "m");
	ck_assert_uint_eq(listing.items[1].size, 4);
	ck_assert_str_eq(listing.items[3].name, "z");
	ck_assert(iov_listed_is(&listing.items[1], "1234", 4));
	ck_assert(!iov_listed_is(&listing.items[1], "1235", 4));
	ck_assert(!iov_listed_is(&listing.items[1], "12345", 5));
	unit_fails(ctx, iov_listing_set(ctx, &listing, "a b", "", 0), IOV_E_INPUT, "'a b' is no name");
}
END_TEST

START_TEST(places_follow_the_digest_of_the_name)
{
	struct iov_index_place place;
	char hex[IOV_HEX_SIZE], expected[IOV_INDEX_PATH_MAX];
	iov_sha256_hex("flow-table", 10, hex);
	iov_index_place("flow-table", &place);
	snprintf(expected, sizeof(expected), "index/%.2s/%.2s/flow-table", hex, hex + 2);
	ck_assert_str_eq(place.index_path, expected);
	snprintf(expected, sizeof(expected), "manifest/%.2s", hex);
	ck_assert_str_eq(place.shard_path, expected);
	ck_assert_str_eq(place.shard, expected + strlen("manifest/"));
}
END_TEST

Suite *suite_registry_listing(void)
{
	Suite *suite = suite_create("registry_listing");
	TCase *tests = tcase_create("listing");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, reads_finds_and_writes);
	tcase_add_test(tests, nothing_is_a_listing);
	tcase_add_test(tests, refuses_other_lines);
	tcase_add_test(tests, set_keeps_the_order);
	tcase_add_test(tests, places_follow_the_digest_of_the_name);
	suite_add_tcase(suite, tests);
	return suite;
}
