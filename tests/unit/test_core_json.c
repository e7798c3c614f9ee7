#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static int parse(const char *text, json_t **ret)
{
	return iov_json_parse(ctx, "doc", text, strlen(text), 10000, ret);
}

static const struct {
	const char *text, *words;
} refused[] = {
	{"", "doc:1:0: not valid JSON"},
	{"{\"a\":1,\"a\":2}", "duplicate object key"},
	{"{\"a\":1} x", "end of file expected"},
	{"{\"a\":[1.5]}", "doc has a number with a fraction"},
	{"{\"a\":1e3}", "only whole numbers are allowed"},
	{"{\"a\":99999999999999999999}", "too big integer"},
	{"{\"a\":\"\\u0000\"}", "\\u0000 is not allowed"},
	{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested too deeply; 32 levels"},
};

START_TEST(refuses)
{
	json_t *json = NULL;
	unit_fails(ctx, parse(refused[_i].text, &json), IOV_E_INPUT, refused[_i].words);
	ck_assert_ptr_null(json);
}
END_TEST

START_TEST(takes_32_levels)
{
	iov_auto(iov_json_release) json_t *json = NULL;
	unit_ok(ctx, parse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", &json));
}
END_TEST

START_TEST(refuses_long_text)
{
	json_t *json = NULL;
	unit_fails(ctx, iov_json_parse(ctx, "index line", "[1,2]", 5, 4, &json), IOV_E_INPUT,
		   "index line: 5 bytes are more than the 4 allowed");
	unit_ok(ctx, iov_json_parse(ctx, "index line", "[1,2]", 5, 5, &json));
	json_decref(json);
}
END_TEST

static const struct {
	const char *text, *canonical;
} forms[] = {
	{"{ \"b\" : 1,\n\"a\":[true, null] }", "{\"a\":[true,null],\"b\":1}"},
	{"\"/ \\u00e9 \\u20ac \\n \\u001F \\u007f\"", "\"/ \xc3\xa9 \xe2\x82\xac \\n \\u001f \x7f\""},
	{"\"\\\\u001F\"", "\"\\\\u001F\""}, /* a backslash and letters, no escape */
	{"-0", "0"},
	{"9223372036854775807", "9223372036854775807"},
};

START_TEST(canonical_form)
{
	iov_auto(iov_json_release) json_t *json = json_loads(forms[_i].text, JSON_DECODE_ANY, NULL);
	ck_assert_ptr_nonnull(json);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(json);
	ck_assert_str_eq(text, forms[_i].canonical);
}
END_TEST

START_TEST(canonical_has_no_reals)
{
	iov_auto(iov_json_release) json_t *json = json_pack("{s:f}", "a", 1.0);
	ck_assert_ptr_null(iov_json_canonical(json));
	ck_assert_ptr_null(iov_json_text(json));
}
END_TEST

START_TEST(text_for_people)
{
	iov_auto(iov_json_release) json_t *json = json_pack("{s:i, s:[i]}", "b", 1, "a", 2);
	iov_auto(iov_free_ptr) char *text = iov_json_text(json);
	ck_assert_str_eq(text, "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}\n");
}
END_TEST

START_TEST(reads_files)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/x.json");
	iov_auto(iov_json_release) json_t *json = NULL;
	unit_fails(ctx, iov_json_read(ctx, path, 10, &json), IOV_E_IO, "x.json': No such file");
	ck_assert_int_eq(iov_fs_replace(path, "{\"a\":1}", 7, 0644), 0);
	unit_fails(ctx, iov_json_read(ctx, path, 6, &json), IOV_E_INPUT, "is longer than the 6 bytes allowed");
	unit_ok(ctx, iov_json_read(ctx, path, 7, &json));
	ck_assert_int_eq(json_integer_value(json_object_get(json, "a")), 1);
}
END_TEST

START_TEST(getters_say_what_is_wrong)
{
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:s, s:i, s:i, s:b, s:{}, s:[], s:n}", "string", "x", "number", 7, "minus", -1, "bool", 1,
			  "object", "array", "null");
	const char *string = "before";
	uint64_t number = 9;
	bool boolean = false;
	json_t *container = NULL;

	unit_ok(ctx, iov_json_get_string(ctx, "doc", json, "string", &string));
	ck_assert_str_eq(string, "x");
	unit_ok(ctx, iov_json_get_uint(ctx, "doc", json, "number", &number));
	ck_assert_uint_eq(number, 7);
	unit_ok(ctx, iov_json_get_bool(ctx, "doc", json, "bool", &boolean));
	ck_assert(boolean);
	unit_ok(ctx, iov_json_get_object(ctx, "doc", json, "object", &container));
	unit_ok(ctx, iov_json_get_array(ctx, "doc", json, "array", &container));

	unit_fails(ctx, iov_json_get_string(ctx, "doc", json, "number", &string), IOV_E_INPUT,
		   "doc: 'number' is not a string");
	unit_fails(ctx, iov_json_get_uint(ctx, "doc", json, "minus", &number), IOV_E_INPUT,
		   "doc: 'minus' is not a whole number of zero or more");
	unit_fails(ctx, iov_json_get_bool(ctx, "doc", json, "number", &boolean), IOV_E_INPUT,
		   "'number' is not true or false");
	unit_fails(ctx, iov_json_get_object(ctx, "doc", json, "array", &container), IOV_E_INPUT,
		   "'array' is not an object");
	unit_fails(ctx, iov_json_get_array(ctx, "doc", json, "object", &container), IOV_E_INPUT,
		   "'object' is not an array");
	unit_fails(ctx, iov_json_get_string(ctx, "doc", json, "gone", &string), IOV_E_INPUT, "doc has no 'gone'");
	unit_fails(ctx, iov_json_get_string(ctx, "doc", json, "null", &string), IOV_E_INPUT, "doc has no 'null'");
	unit_fails(ctx, iov_json_get_string(ctx, "doc", json_object_get(json, "array"), "x", &string), IOV_E_INPUT,
		   "doc is not an object");
	ck_assert_str_eq(string, "x");
}
END_TEST

START_TEST(optional_members_keep_the_default)
{
	iov_auto(iov_json_release) json_t *json = json_pack("{s:n, s:i}", "null", "number", 7);
	const char *string = "default";
	uint64_t number = 9;
	unit_ok(ctx, iov_json_opt_string(ctx, "doc", json, "gone", &string));
	unit_ok(ctx, iov_json_opt_string(ctx, "doc", json, "null", &string));
	ck_assert_str_eq(string, "default");
	unit_ok(ctx, iov_json_opt_uint(ctx, "doc", json, "number", &number));
	ck_assert_uint_eq(number, 7);
	unit_fails(ctx, iov_json_opt_string(ctx, "doc", json, "number", &string), IOV_E_INPUT,
		   "'number' is not a string");
}
END_TEST

Suite *suite_core_json(void)
{
	Suite *suite = suite_create("core_json");
	TCase *tests = tcase_create("json");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, refuses, 0, IOV_COUNT(refused));
	tcase_add_test(tests, takes_32_levels);
	tcase_add_test(tests, refuses_long_text);
	tcase_add_loop_test(tests, canonical_form, 0, IOV_COUNT(forms));
	tcase_add_test(tests, canonical_has_no_reals);
	tcase_add_test(tests, text_for_people);
	tcase_add_test(tests, reads_files);
	tcase_add_test(tests, getters_say_what_is_wrong);
	tcase_add_test(tests, optional_members_keep_the_default);
	suite_add_tcase(suite, tests);
	return suite;
}
