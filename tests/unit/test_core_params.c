#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"
#include "util/buf.h"
#include "util/cleanup.h"

static const char yaml[] = "schema: 1\n"
			   "name: flow-top\n"
			   "version: 1.2.0\n"
			   "summary: s\n"
			   "license: MIT\n"
			   "build: {sources: [a.c]}\n"
			   "params:\n"
			   "  iface: {type: interface, required: true, summary: where to count}\n"
			   "  min_bytes: {type: u64, default: 0x5dc}\n"
			   "  label: {type: string}\n"
			   "  fast: {type: bool, default: false}\n"
			   "  shift: {type: i32, default: -5}\n"
			   "  big: {type: i64, default: 0}\n"
			   "  port: {type: u16, default: 53}\n"
			   "  ttl: {type: u8, default: 64}\n"
			   "  slots: {type: u32, default: 1024}\n";

static struct iov_ctx *ctx;
static struct iov_manifest *manifest;
static json_t *values;

static void setup(void)
{
	ctx = unit_ctx();
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml, strlen(yaml), &manifest));
}

static void teardown(void)
{
	json_decref(values);
	iov_manifest_free(manifest);
	unit_ctx_free(ctx);
}

static int resolve_both(const char *first, const char *second, const json_t *before)
{
	const char *items[] = {first, second};
	const struct iov_settings given = {.items = items, .count = (size_t)(first != NULL) + (second != NULL)};
	return iov_params_resolve(ctx, manifest, given, before, &values);
}

static const char *value(const char *name)
{
	return json_string_value(json_object_get(values, name));
}

START_TEST(takes_defaults_and_what_is_given)
{
	unit_ok(ctx, resolve_both("iface=eth0", "label=a=b", NULL));
	ck_assert_str_eq(value("iface"), "eth0");
	ck_assert_str_eq(value("label"), "a=b");
	ck_assert_str_eq(value("min_bytes"), "1500");
	ck_assert_str_eq(value("shift"), "-5");
	ck_assert_str_eq(value("fast"), "false");
}
END_TEST

START_TEST(leaves_out_what_has_no_value)
{
	unit_ok(ctx, resolve_both("iface=eth0", NULL, NULL));
	ck_assert_ptr_null(value("label"));
	ck_assert_uint_eq(json_object_size(values), 8);
}
END_TEST

START_TEST(keeps_what_was_before)
{
	iov_auto(iov_json_release) json_t *before = json_pack("{s:s,s:s}", "iface", "eth1", "slots", "7");
	unit_ok(ctx, resolve_both("slots=8", NULL, before));
	ck_assert_str_eq(value("iface"), "eth1");
	ck_assert_str_eq(value("slots"), "8");
}
END_TEST

START_TEST(says_what_no_longer_fits)
{
	iov_auto(iov_json_release) json_t *before = json_pack("{s:s,s:s}", "iface", "eth1", "ttl", "300");
	unit_fails(ctx, resolve_both(NULL, NULL, before), IOV_E_USAGE,
		   "the value in use no longer fits, give another with --set ttl=...: parameter 'ttl' of module "
		   "'flow-top': '300'");
	unit_ok(ctx, resolve_both("ttl=30", NULL, before));
	ck_assert_str_eq(value("ttl"), "30");
}
END_TEST

static void remember(const struct iov_event *event, void *data)
{
	ck_assert_int_eq(event->kind, IOV_EVENT_WARNING);
	iov_buf_puts(data, event->text);
}

START_TEST(warns_of_what_is_gone)
{
	iov_auto(iov_buf_release) struct iov_buf warned = {0};
	iov_auto(iov_json_release) json_t *before = json_pack("{s:s,s:s}", "iface", "eth1", "colour", "blue");
	ctx->config.event = remember;
	ctx->config.data = &warned;
	unit_ok(ctx, resolve_both(NULL, NULL, before));
	ck_assert_ptr_null(value("colour"));
	ck_assert_str_eq(warned.data,
			 "module 'flow-top' 1.2.0 has no parameter 'colour' any more; its value 'blue' is dropped");
}
END_TEST

static const struct {
	const char *given, *words;
} wrong[] = {
	{NULL, "module 'flow-top' needs parameter 'iface' (where to count); give it with --set iface=..."},
	{"ifcae=eth0", "module 'flow-top' 1.2.0 has no parameter 'ifcae'; did you mean 'iface'? it has big, fast, "
		       "iface, label, min_bytes, "
		       "port, shift, slots, ttl"},
	{"colour=blue", "has no parameter 'colour'; it has big, "},
	{"iface", "'iface' sets nothing; write it as NAME=VALUE"},
	{"=x", "'=x' sets nothing"},
	{"iface=", "parameter 'iface' of module 'flow-top': '' is not the name of an interface; give one as in eth0"},
	{"iface=a/b", "'a/b' is not the name of an interface"},
	{"iface=..", "'..' is not the name of an interface"},
	{"iface=sixteen-bytes-xx", "at most 15 bytes"},
	{"fast=yes", "parameter 'fast' of module 'flow-top': 'yes' is not a bool; give true or false"},
	{"ttl=256", "'256' is not a u8; give a whole number from 0 to 255"},
	{"ttl=-1", "'-1' is not a u8"},
	{"ttl=", "'' is not a u8"},
	{"ttl=1 ", "'1 ' is not a u8"},
	{"ttl=1.5", "'1.5' is not a u8"},
	{"ttl=0x", "'0x' is not a u8"},
	{"ttl=+1", "'+1' is not a u8"},
	{"ttl=--1", "'--1' is not a u8"},
	{"port=65536", "from 0 to 65535"},
	{"slots=4294967296", "from 0 to 4294967295"},
	{"min_bytes=18446744073709551616", "from 0 to 18446744073709551615"},
	{"shift=-2147483649", "from -2147483648 to 2147483647"},
	{"shift=2147483648", "from -2147483648 to 2147483647"},
	{"big=9223372036854775808", "from -9223372036854775808 to 9223372036854775807"},
	{"label=a\nb", "parameter 'label' of module 'flow-top': the value must be one line"},
};

START_TEST(says_what_is_wrong)
{
	unit_fails(ctx, resolve_both(wrong[_i].given, NULL, NULL), IOV_E_USAGE, wrong[_i].words);
	ck_assert_ptr_null(values);
}
END_TEST

START_TEST(refuses_two_values)
{
	unit_fails(ctx, resolve_both("iface=eth0", "iface=eth1", NULL), IOV_E_USAGE,
		   "parameter 'iface' of module 'flow-top' is set twice");
}
END_TEST

static const struct {
	const char *given, *name, *value;
} spellings[] = {
	{"ttl=0xFF", "ttl", "255"},
	{"ttl=007", "ttl", "7"},
	{"shift=-0", "shift", "0"},
	{"shift=-2147483648", "shift", "-2147483648"},
	{"big=-9223372036854775808", "big", "-9223372036854775808"},
	{"min_bytes=18446744073709551615", "min_bytes", "18446744073709551615"},
	{"label=", "label", ""},
};

START_TEST(gives_each_value_one_spelling)
{
	unit_ok(ctx, resolve_both(spellings[_i].given, "iface=eth0", NULL));
	ck_assert_str_eq(value(spellings[_i].name), spellings[_i].value);
}
END_TEST

START_TEST(expands)
{
	unit_ok(ctx, resolve_both("iface=eth0.100", NULL, NULL));
	iov_auto(iov_free_ptr) char *named = NULL, *plain = NULL, *none = NULL;
	unit_ok(ctx, iov_params_expand(ctx, manifest, values, "$iface", &named));
	ck_assert_str_eq(named, "eth0.100");
	unit_ok(ctx, iov_params_expand(ctx, manifest, values, "sched/$iface", &plain));
	ck_assert_str_eq(plain, "sched/$iface");
	unit_fails(ctx, iov_params_expand(ctx, manifest, values, "$label", &none), IOV_E_USAGE,
		   "parameter 'label' of module 'flow-top' has no value; give it with --set label=...");
	unit_fails(ctx, iov_params_expand(ctx, manifest, values, "$what", &none), IOV_E_USAGE,
		   "has no parameter 'what'");
}
END_TEST

Suite *suite_core_params(void);
Suite *suite_core_params(void)
{
	Suite *suite = suite_create("core_params");
	TCase *tcase = tcase_create("params");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, takes_defaults_and_what_is_given);
	tcase_add_test(tcase, leaves_out_what_has_no_value);
	tcase_add_test(tcase, keeps_what_was_before);
	tcase_add_test(tcase, says_what_no_longer_fits);
	tcase_add_test(tcase, warns_of_what_is_gone);
	tcase_add_loop_test(tcase, says_what_is_wrong, 0, (int)IOV_COUNT(wrong));
	tcase_add_test(tcase, refuses_two_values);
	tcase_add_loop_test(tcase, gives_each_value_one_spelling, 0, (int)IOV_COUNT(spellings));
	tcase_add_test(tcase, expands);
	suite_add_tcase(suite, tcase);
	return suite;
}
