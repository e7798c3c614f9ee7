#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "core/version.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* One line of tests/version/requirements.test. */
static void check_line(struct iov_ctx *ctx, char *line)
{
	char *rest = strstr(line, " : ");
	ck_assert_msg(rest != NULL, "no ' : ' in %s", line);
	*rest = '\0';
	rest += 3;
	struct iov_requirement *requirement = NULL;
	unit_ok(ctx, iov_requirement_parse(ctx, line, &requirement));
	ck_assert_str_eq(iov_requirement_text(requirement), line);
	bool expected = true;
	for (char *word; (word = strsep(&rest, " "));) {
		struct iov_version version;
		if (!strcmp(word, "!")) {
			expected = false;
			continue;
		}
		unit_ok(ctx, iov_version_parse(ctx, word, &version));
		ck_assert_msg(iov_requirement_matches(requirement, &version) == expected, "%s %s %s", line,
			      expected ? "must match" : "must not match", word);
	}
	ck_assert_msg(!expected, "nothing after '!' for %s", line);
	iov_requirement_free(requirement);
}

START_TEST(matches_as_cargo_does)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(unit_data("version/requirements.test"), 1 << 20, &text), 0);
	unsigned run = 0;
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
		if (*line && *line != '#') {
			check_line(ctx, line);
			run++;
		}
	ck_assert_uint_gt(run, 40);
	unit_ctx_free(ctx);
}
END_TEST

static const struct {
	const char *text, *words;
} wrong[] = {
	{"", "'' is not a requirement: a comparator is missing"},
	{"^", "a number is missing at position 1"},
	{"^1.2,", "'^1.2,' is not a requirement: a comparator is missing"},
	{",", "a comparator is missing"},
	{"^a", "in requirement '^a': "},
	{">=1 <2", "comparators are joined by commas"},
	{"^1 || ^2", "comparators are joined by commas, and there is no 'or'"},
	{"1|2", "there is no 'or'"},
	{"*.1", "a '*' stands last"},
	{"1.*.3", "a '*' stands last"},
	{"1.2.3.*", "a '*' stands last"},
	{"1.*.*.*", "a '*' stands last"},
	{">=*", "stands alone, without an operator"},
	{"*, ^1", "stands alone"},
	{"*.*", "stands alone"},
	{"1.2-beta", "a pre-release needs all three numbers before it"},
	{"1.*-beta", "'1.*-beta'"},
	{"^1.2.3.4", "nothing more was expected"},
	{"==1.2.3", "in requirement '==1.2.3'"},
	{"^01.2", "leading zero"},
	{"!1.2", "a number is missing"},
};

START_TEST(says_what_is_wrong)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_requirement *requirement = NULL;
	unit_fails(ctx, iov_requirement_parse(ctx, wrong[_i].text, &requirement), IOV_E_INPUT, wrong[_i].words);
	ck_assert_ptr_null(requirement);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_requirement *requirement = NULL;
	char commas[33 * 2], bytes[600];
	for (size_t i = 0; i < sizeof(commas); i += 2)
		memcpy(commas + i, "1,", 2);
	commas[sizeof(commas) - 1] = '\0';
	unit_fails(ctx, iov_requirement_parse(ctx, commas, &requirement), IOV_E_INPUT,
		   "32 comparators and 512 bytes are the most");
	commas[sizeof(commas) - 3] = '\0';
	unit_ok(ctx, iov_requirement_parse(ctx, commas, &requirement));
	iov_requirement_free(requirement);
	memset(bytes, '1', sizeof(bytes));
	bytes[sizeof(bytes) - 1] = '\0';
	unit_fails(ctx, iov_requirement_parse(ctx, bytes, &requirement), IOV_E_INPUT, "is too long");
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_core_requirement(void);
Suite *suite_core_requirement(void)
{
	Suite *suite = suite_create("core_requirement");
	TCase *tcase = tcase_create("requirements");
	tcase_add_test(tcase, matches_as_cargo_does);
	tcase_add_loop_test(tcase, says_what_is_wrong, 0, (int)IOV_COUNT(wrong));
	tcase_add_test(tcase, refuses_what_is_too_long);
	suite_add_tcase(suite, tcase);
	return suite;
}
