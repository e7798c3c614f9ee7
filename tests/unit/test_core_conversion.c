/* Two layouts to a conversion: what moves, and what is lost, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conversion.h"
#include "unit.h"
#include "util/cleanup.h"

#define U(name, offset, type) "{'name':'" name "','offset':" #offset ",'type':" type "}"
#define STRUCT(size, members) "{'kind':'struct','size':" #size ",'members':[" members "]}"
#define ARRAY(count, of) "{'kind':'array','count':" #count ",'of':" of "}"

static json_t *parse(const char *text)
{
	iov_auto(iov_free_ptr) char *json = strdup(text);
	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	ck_assert_msg(value, "%s", json);
	return value;
}

/* The losses of a value of `from_size` bytes on the way to `to_size`, joined by "; ". */
static char *losses(const char *from, uint32_t from_size, const char *to, uint32_t to_size, const char *rules,
		    struct iov_conversion **ret)
{
	struct iov_ctx *ctx = unit_ctx();
	json_t *old = json_pack("{s:s, s:o}", "key", "u32", "value", parse(from));
	json_t *new = json_pack("{s:s, s:o}", "key", "u32", "value", parse(to));
	json_t *upgrade = parse(rules);
	const struct iov_object_map
		before = {.name = "m", .type = "hash", .key_size = 4, .value_size = from_size, .layout = old},
		after = {.name = "m", .type = "hash", .key_size = 4, .value_size = to_size, .layout = new};
	const struct iov_conversion_rules by = {.upgrade = upgrade};
	struct iov_conversion *conversion = NULL;
	static char text[1024];
	text[0] = '\0';
	if (iov_conversion_make(ctx, &before, &after, &by, &conversion)) {
		snprintf(text, sizeof(text), "error: %s", iov_error_text(ctx));
	} else {
		for (size_t i = 0; i < json_array_size(conversion->losses); i++) {
			size_t len = strlen(text);
			snprintf(text + len, sizeof(text) - len, "%s%s", i ? "; " : "",
				 json_string_value(json_array_get(conversion->losses, i)));
		}
	}
	if (ret)
		*ret = conversion;
	else
		iov_conversion_free(conversion);
	json_decref(old);
	json_decref(new);
	json_decref(upgrade);
	unit_ctx_free(ctx);
	return text;
}

static const struct {
	const char *from;
	uint64_t from_size;
	const char *to;
	uint64_t to_size;
	const char *rules, *losses;
} pairs[] = {
	{STRUCT(8, U("a", 0, "'u64'")), 8, STRUCT(16, U("a", 0, "'u64'") "," U("b", 64, "'u64'")), 16, "{}", ""},
	{STRUCT(4, U("a", 0, "'u32'")), 4, STRUCT(8, U("a", 0, "'u64'")), 8, "{}", ""},
	{STRUCT(8, U("a", 0, "'u64'")), 8, STRUCT(4, U("a", 0, "'u32'")), 4, "{}", "field 'a' narrows from u64 to u32"},
	{STRUCT(8, U("a", 0, "'u64'")), 8, STRUCT(8, U("b", 0, "'u64'")), 8, "{}", "field 'a' is dropped"},
	{STRUCT(8, U("a", 0, "'u64'")), 8, STRUCT(8, U("b", 0, "'u64'")), 8, "{'rename':{'a':'b'}}", ""},
	{STRUCT(4, U("a", 0, "'s32'")), 4, STRUCT(8, U("a", 0, "'u64'")), 8, "{}", "field 'a' changes from s32 to u64"},
	{STRUCT(4, U("a", 0, "'u32'")), 4, STRUCT(4, U("a", 0, "'s32'")), 4, "{}", "field 'a' changes from u32 to s32"},
	{STRUCT(4, U("a", 0, "'u32'")), 4, STRUCT(8, U("a", 0, "'s64'")), 8, "{}", ""},
	{STRUCT(8, U("a", 0, "'f64'")), 8, STRUCT(8, U("a", 0, "'u64'")), 8, "{}", "field 'a' changes from f64 to u64"},
	{STRUCT(16, U("a", 0, ARRAY(16, "'char'"))), 16, STRUCT(8, U("a", 0, ARRAY(8, "'char'"))), 8, "{}",
	 "field 'a' is cut from 16 to 8 elements"},
	{STRUCT(8, U("p", 0, STRUCT(8, U("x", 0, "'u32'") "," U("y", 32, "'u32'")))), 8,
	 STRUCT(16, U("q", 0, STRUCT(16, U("y", 0, "'u64'") "," U("x", 64, "'u64'")))), 16, "{'rename':{'p':'q'}}", ""},
	{STRUCT(4, U("s", 0, "{'kind':'enum','size':4,'values':{'A':0,'B':1}}")), 4,
	 STRUCT(4, U("s", 0, "{'kind':'enum','size':4,'values':{'A':0,'B':2}}")), 4, "{}",
	 "field 's' has enumerator 'B' changed from 1 to 2"},
	{"'u32'", 4, "'u64'", 8, "{}", ""},
	{STRUCT(8, U("a", 0, "'u64'")), 8, STRUCT(8, U("a", 0, "'u64'")), 8, "{'fields':{'a':{'divide':5000000000}}}",
	 "error: field 'a' cannot be multiplied or divided"},
	{STRUCT(8, U("a", 64, "'u64'")), 8, "'u64'", 8, "{}", "error: the layout of a map contradicts itself"},
	{STRUCT(8, U("a", 0, ARRAY(4294967295, STRUCT(0, "")))), 8, "'u64'", 8, "{}", "error: the layout"},
};

START_TEST(losses_are_told)
{
	const char *text =
		losses(pairs[_i].from, pairs[_i].from_size, pairs[_i].to, pairs[_i].to_size, pairs[_i].rules, NULL);
	if (!strncmp(pairs[_i].losses, "error", 5))
		ck_assert_msg(!strncmp(text, pairs[_i].losses, strlen(pairs[_i].losses)), "%s", text);
	else
		ck_assert_str_eq(text, pairs[_i].losses);
}
END_TEST

START_TEST(moves_are_what_the_rules_say)
{
	struct iov_conversion *conversion = NULL;
	losses(STRUCT(16, U("pkts", 0, "'u32'") "," U("ns", 64, "'u64'")), 16,
	       STRUCT(24, U("ms", 0, "'u64'") "," U("packets", 64, "'u64'") "," U("weight", 128, "'u32'")), 24,
	       "{'merge':'sum','rename':{'pkts':'packets','ns':'ms'},"
	       "'fields':{'ms':{'divide':1000000,'merge':'max'},'weight':{'default':7}}}",
	       &conversion);
	const struct iov_field_moves *value = &conversion->value;
	ck_assert_uint_eq(value->n_moves, 2);
	ck_assert_uint_eq(value->moves[0].from.offset, 8);
	ck_assert_uint_eq(value->moves[0].to.offset, 0);
	ck_assert_uint_eq(value->moves[0].divide, 1000000);
	ck_assert_int_eq(value->moves[0].merge, IOV_MERGE_MAX);
	ck_assert_uint_eq(value->moves[1].from.size, 4);
	ck_assert_uint_eq(value->moves[1].to.size, 8);
	ck_assert_int_eq(value->moves[1].merge, IOV_MERGE_SUM);
	ck_assert_uint_eq(value->n_fills, 1);
	ck_assert_uint_eq(value->fills[0].offset, 16);
	ck_assert_uint_eq(value->fills[0].value, 7);
	ck_assert(conversion->key.same);
	iov_conversion_free(conversion);
}
END_TEST

Suite *suite_core_conversion(void)
{
	Suite *suite = suite_create("core_conversion");
	TCase *tcase = tcase_create("conversion");
	tcase_add_loop_test(tcase, losses_are_told, 0, (int)IOV_COUNT(pairs));
	tcase_add_test(tcase, moves_are_what_the_rules_say);
	suite_add_tcase(suite, tcase);
	return suite;
}
