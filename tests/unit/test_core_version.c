#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/version.h"
#include "util/cleanup.h"
#include "util/fs.h"

static char *read_text(const char *path)
{
	struct iov_buf text = {0};
	ck_assert_msg(iov_fs_read(path, 1 << 20, &text) == 0, "cannot read %s", path);
	return iov_buf_take(&text);
}

static struct iov_version parsed(struct iov_ctx *ctx, const char *text)
{
	struct iov_version version;
	unit_ok(ctx, iov_version_parse(ctx, text, &version));
	ck_assert_str_eq(version.text, text);
	return version;
}

START_TEST(takes_versions_apart)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_version version = parsed(ctx, "1.22.333-rc.1-x+build.007");
	ck_assert_uint_eq(version.major, 1);
	ck_assert_uint_eq(version.minor, 22);
	ck_assert_uint_eq(version.patch, 333);
	ck_assert_uint_eq(version.prerelease_len, 6);
	ck_assert_int_eq(strncmp(version.text + version.prerelease, "rc.1-x", 6), 0);
	ck_assert_uint_eq(parsed(ctx, "1.2.3+only-build").prerelease_len, 0);
	unit_ctx_free(ctx);
}
END_TEST

static const struct {
	const char *text, *words;
} wrong[] = {
	{"", "a number is missing at position 1"},
	{"1", "MINOR and PATCH are missing at position 2"},
	{"1.2", "PATCH is missing at position 4; write MAJOR.MINOR.PATCH"},
	{"v1.2.3", "a number is missing at position 1"},
	{"1.2.", "a number is missing at position 5"},
	{"1..3", "a number is missing at position 3"},
	{"01.2.3", "leading zero at position 1"},
	{"1.02.3", "leading zero at position 3"},
	{"1.2.3.4", "nothing more was expected at position 6"},
	{"1.2.3 ", "nothing more was expected at position 6"},
	{" 1.2.3", "a number is missing at position 1"},
	{"1.2.-3", "a number is missing at position 5"},
	{"1.2.3-", "an identifier of letters, digits and '-' is missing at position 7"},
	{"1.2.3-a..b", "is missing at position 9"},
	{"1.2.3-01", "leading zero at position 7"},
	{"1.2.3-a.00", "leading zero at position 9"},
	{"1.2.3-a_b", "nothing more was expected at position 8"},
	{"1.2.3+", "is missing at position 7"},
	{"1.2.3+a+b", "nothing more was expected at position 8"},
	{"1.2.3-\xc3\xa9", "is missing at position 7"},
	{"9007199254740992.0.0", "the number is too large"},
	{"99999999999999999999999999.0.0", "the number is too large"},
};

START_TEST(says_what_is_wrong)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_version version;
	unit_fails(ctx, iov_version_parse(ctx, wrong[_i].text, &version), IOV_E_INPUT, wrong[_i].words);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_version version;
	char text[IOV_VERSION_MAX + 2];
	memset(text, 'a', sizeof(text));
	memcpy(text, "1.0.0-", 6);
	text[IOV_VERSION_MAX] = '\0';
	unit_ok(ctx, iov_version_parse(ctx, text, &version));
	text[IOV_VERSION_MAX] = 'a';
	text[IOV_VERSION_MAX + 1] = '\0';
	unit_fails(ctx, iov_version_parse(ctx, text, &version), IOV_E_INPUT, "is longer than 127 bytes");
	unit_ctx_free(ctx);
}
END_TEST

struct ranked {
	struct iov_version version;
	int rank;
};

static size_t read_order(struct iov_ctx *ctx, struct ranked *ret, size_t max)
{
	iov_auto(iov_free_ptr) char *text = read_text(unit_data("version/order.test"));
	size_t count = 0;
	int rank = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")); rank++) {
		if (*line == '#')
			continue;
		for (char *word; (word = strsep(&line, " ")) && *word;) {
			ck_assert_uint_lt(count, max);
			ret[count++] = (struct ranked){.version = parsed(ctx, word), .rank = rank};
		}
	}
	return count;
}

START_TEST(orders_versions)
{
	struct iov_ctx *ctx = unit_ctx();
	struct ranked all[64];
	size_t count = read_order(ctx, all, 64);
	ck_assert_uint_gt(count, 25);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int order = iov_version_compare(&all[i].version, &all[j].version);
			int expected = (all[i].rank > all[j].rank) - (all[i].rank < all[j].rank);
			ck_assert_msg((order > 0) - (order < 0) == expected, "%s and %s give %d", all[i].version.text,
				      all[j].version.text, order);
		}
	unit_ctx_free(ctx);
}
END_TEST

static char *vector_path(const char *name)
{
	struct iov_buf path = {0};
	const char *folder = getenv("IOV_VECTORS");
	iov_buf_printf(&path, "%s/semver/%s", folder ? folder : unit_data("../../shared/vectors"), name);
	return iov_buf_take(&path);
}

/* The public vectors: JavaScript, of which we read the lines that say a plain pair or string. NULL: not there. */
static char *vectors(const char *name)
{
	iov_auto(iov_free_ptr) char *path = vector_path(name);
	if (iov_fs_exists(path))
		return read_text(path);
	fprintf(stderr, "# SKIP semver vectors: '%s' is missing\n", path);
	return NULL;
}

START_TEST(follows_the_vectors_of_order)
{
	iov_auto(iov_free_ptr) char *text = vectors("comparisons.js");
	struct iov_ctx *ctx = unit_ctx();
	unsigned run = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char newer[256], older[256];
		if (sscanf(line, " ['%255[^']', '%255[^']'", newer, older) != 2 || strstr(line, "true"))
			continue; /* `true` marks what only a loose parser takes */
		struct iov_version a = parsed(ctx, newer), b = parsed(ctx, older);
		ck_assert_msg(iov_version_compare(&a, &b) > 0 && iov_version_compare(&b, &a) < 0, "%s", line);
		ck_assert_int_eq(iov_version_compare(&a, &a), 0);
		run++;
	}
	ck_assert(!text || run >= 15);
	unit_ctx_free(ctx);
}
END_TEST

/* The three ways in which the vectors write a string. */
static bool read_invalid(const char *line, char *ret, size_t size)
{
	static const char number[] = "9007199254740991", hole[] = "${MAX_SAFE_INTEGER}";
	char before[256] = "", quoted[256];
	if (strstr(line, "new Array(MAX_LENGTH)")) {
		memset(ret, '1', 255);
		snprintf(ret + 255, size - 255, ".0.0");
		return true;
	}
	if (sscanf(line, " ['%255[^']'", ret) == 1)
		return !strstr(line, "true");
	if (sscanf(line, " [`%255[^`]`", quoted) != 1)
		return false;
	char *at = strstr(quoted, hole);
	if (!at)
		return false;
	memcpy(before, quoted, (size_t)(at - quoted));
	snprintf(ret, size, "%s%s%s", before, number, at + strlen(hole));
	return true;
}

START_TEST(follows_the_vectors_of_what_is_no_version)
{
	iov_auto(iov_free_ptr) char *text = vectors("invalid-versions.js");
	struct iov_ctx *ctx = unit_ctx();
	unsigned run = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char invalid[600];
		struct iov_version version;
		if (!read_invalid(line, invalid, sizeof(invalid)))
			continue;
		ck_assert_msg(iov_version_parse(ctx, invalid, &version) == IOV_E_INPUT, "%s", line);
		run++;
	}
	ck_assert(!text || run >= 5);
	unit_ctx_free(ctx);
}
END_TEST

static void add_vectors(Suite *suite)
{
	iov_auto(iov_free_ptr) char *path = vector_path("comparisons.js");
	TCase *tcase = tcase_create(iov_fs_exists(path) ? "vectors" : "vectors_skip");
	tcase_add_test(tcase, follows_the_vectors_of_order);
	tcase_add_test(tcase, follows_the_vectors_of_what_is_no_version);
	suite_add_tcase(suite, tcase);
}

Suite *suite_core_version(void);
Suite *suite_core_version(void)
{
	Suite *suite = suite_create("core_version");
	TCase *tcase = tcase_create("versions");
	tcase_add_test(tcase, takes_versions_apart);
	tcase_add_loop_test(tcase, says_what_is_wrong, 0, (int)IOV_COUNT(wrong));
	tcase_add_test(tcase, refuses_what_is_too_long);
	tcase_add_test(tcase, orders_versions);
	suite_add_tcase(suite, tcase);
	add_vectors(suite);
	return suite;
}
