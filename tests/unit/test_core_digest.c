#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bulk.h"
#include "core/digest.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-2, B.1 */

START_TEST(known_answers)
{
	char hex[IOV_HEX_SIZE];
	iov_sha256_hex("", 0, hex);
	ck_assert_str_eq(hex, empty);
	iov_sha256_hex("abc", 3, hex);
	ck_assert_str_eq(hex, abc);
}
END_TEST

START_TEST(pieces_equal_the_whole)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_digest *digest = NULL;
	char hex[IOV_HEX_SIZE];
	unit_ok(ctx, iov_digest_new(ctx, &digest));
	iov_digest_add(digest, "a", 1);
	iov_digest_add(digest, "", 0);
	iov_digest_add(digest, "bc", 2);
	iov_digest_end_hex(digest, hex);
	ck_assert_str_eq(hex, abc);
	iov_digest_free(digest);
	iov_digest_free(NULL);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(of_a_file)
{
	struct iov_ctx *ctx = unit_ctx();
	char hex[IOV_HEX_SIZE];
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/abc");
	ck_assert_int_eq(iov_fs_replace(path, "abc", 3, 0644), 0);
	unit_ok(ctx, iov_sha256_file(ctx, path, hex));
	ck_assert_str_eq(hex, abc);
	unit_fails(ctx, iov_sha256_file(ctx, "/nowhere/at all", hex), IOV_E_IO,
		   "cannot open '/nowhere/at all': No such file");
	unit_ctx_free(ctx);
}
END_TEST

static const size_t sizes[] = {0, 1, 64, 65537, IOV_BULK_MIN + 1};

/* Both libraries, where this host has the other one. */
START_TEST(much_is_digested_the_same_way)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_digest *digest = NULL;
	iov_auto(iov_free_ptr) char *data = malloc(sizes[_i] + 1);
	char bulk[IOV_HEX_SIZE], whole[IOV_HEX_SIZE];
	memset(data, 'x', sizes[_i]);
	unit_ok(ctx, iov_digest_new_for(ctx, IOV_BULK_MIN, &digest));
	for (size_t at = 0; at < sizes[_i]; at += 1000)
		iov_digest_add(digest, data + at, sizes[_i] - at < 1000 ? sizes[_i] - at : 1000);
	iov_digest_end_hex(digest, bulk);
	iov_digest_free(digest);
	iov_sha256_hex(data, sizes[_i], whole);
	ck_assert_str_eq(bulk, whole);
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/much");
	ck_assert_int_eq(iov_fs_replace(path, data, sizes[_i], 0644), 0);
	unit_ok(ctx, iov_sha256_file(ctx, path, bulk));
	ck_assert_str_eq(bulk, whole);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(hex_has_one_spelling)
{
	uint8_t bytes[3];
	char text[7];
	ck_assert(iov_unhex("00ff1a", bytes, 3));
	iov_hex(bytes, 3, text);
	ck_assert_str_eq(text, "00ff1a");
	ck_assert(!iov_unhex("00FF1A", bytes, 3));
	ck_assert(!iov_unhex("00ff1", bytes, 3));
	ck_assert(!iov_unhex("00ff1a0", bytes, 3));
	ck_assert(!iov_unhex("00ff1g", bytes, 3));
	ck_assert(iov_is_sha256_hex(abc));
	ck_assert(!iov_is_sha256_hex(abc + 1));
	ck_assert(!iov_is_sha256_hex(""));
}
END_TEST

Suite *suite_core_digest(void)
{
	Suite *suite = suite_create("core_digest");
	TCase *tests = tcase_create("sha256");
	tcase_add_test(tests, known_answers);
	tcase_add_test(tests, pieces_equal_the_whole);
	tcase_add_test(tests, of_a_file);
	tcase_add_loop_test(tests, much_is_digested_the_same_way, 0, IOV_COUNT(sizes));
	tcase_add_test(tests, hex_has_one_spelling);
	suite_add_tcase(suite, tests);
	return suite;
}
