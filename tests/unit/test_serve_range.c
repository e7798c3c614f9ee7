/* Which part of a file a Range header asks for. */
#include "serve/range.h"
#include "unit.h"
#include "util/cleanup.h"

START_TEST(parts)
{
	static const struct {
		const char *text;
		uint64_t size, from, count;
	} rows[] = {
		{"bytes=0-0", 10, 0, 1},  {"bytes=2-5", 10, 2, 4}, {"bytes=2-", 10, 2, 8},
		{"bytes=9-99", 10, 9, 1}, {"bytes=-3", 10, 7, 3},  {"bytes=-99", 10, 0, 10},
	};
	for (size_t i = 0; i < IOV_COUNT(rows); i++) {
		struct serve_range range;
		ck_assert_msg(serve_range_parse(rows[i].text, rows[i].size, &range) == SERVE_PART, "%s", rows[i].text);
		ck_assert_uint_eq(range.from, rows[i].from);
		ck_assert_uint_eq(range.count, rows[i].count);
	}
}
END_TEST

START_TEST(what_is_ignored)
{
	static const char *const rows[] = {
		NULL,
		"",
		"bytes",
		"bytes=",
		"bytes=-",
		"bytes=x-1",
		"bytes=1",
		"bytes=3-2",
		"bytes=0-1,3-4",
		"bytes=0-1 ",
		"bytes=+1-2",
		"items=0-1",
		"bytes=--1",
		"bytes=-1-2",
		"bytes= 0-1",
		"bytes=0--1",
		"bytes=1234567890123456789-",
	};
	struct serve_range range;
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		ck_assert_msg(serve_range_parse(rows[i], 10, &range) == SERVE_WHOLE, "%s", rows[i] ? rows[i] : "NULL");
}
END_TEST

START_TEST(what_lies_outside)
{
	struct serve_range range;
	ck_assert_int_eq(serve_range_parse("bytes=10-", 10, &range), SERVE_OUTSIDE);
	ck_assert_int_eq(serve_range_parse("bytes=10-20", 10, &range), SERVE_OUTSIDE);
	ck_assert_int_eq(serve_range_parse("bytes=-0", 10, &range), SERVE_OUTSIDE);
	ck_assert_int_eq(serve_range_parse("bytes=0-", 0, &range), SERVE_OUTSIDE);
}
END_TEST

Suite *suite_serve_range(void)
{
	TCase *tests = tcase_create("ranges");
	tcase_add_test(tests, parts);
	tcase_add_test(tests, what_is_ignored);
	tcase_add_test(tests, what_lies_outside);
	Suite *suite = suite_create("serve_range");
	suite_add_tcase(suite, tests);
	return suite;
}
