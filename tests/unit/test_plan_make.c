/* Two generations, made with install() and load(), and the plan between them as lines of text. */
#include <stdio.h>
#include <string.h>

#include "modules.h"
#include "plan/make.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define LAYOUT_A                                                                                                       \
	"{'key':'u32','value':{'kind':'struct','size':8,'members':[{'name':'packets','offset':0,'type':'u64'}]}}"
#define LAYOUT_B "{'key':'u32','value':{'kind':'struct','size':8,'members':[{'name':'bytes','offset':0,'type':'u64'}]}}"
#define LAYOUT_LONG                                                                                                    \
	"{'key':'u32','value':{'kind':'struct','size':16,'members':[{'name':'packets','offset':0,'type':'u64'},"       \
	"{'name':'bytes','offset':64,'type':'u64'}]}}"
#define FLOWS_OF(digit, value_size, entries, layout) MAP_OF("flows", digit, value_size, entries, layout)
#define MAP_OF(name, digit, value_size, entries, layout)                                                               \
	"{'name':'" name "','type':'hash','key_size':4,'value_size':" value_size ",'max_entries':" entries             \
	",'flags':0,"                                                                                                  \
	"'layout':" layout ",'fingerprint':'" digit                                                                    \
	"000000000000000000000000000000000000000000000000000000000000000'}"
#define FLOWS FLOWS_OF("a", "8", "64", LAYOUT_A)
#define NAMED(name) MAP_OF(name, "a", "8", "64", LAYOUT_A)
#define FLOWS_BIGGER FLOWS_OF("a", "8", "128", LAYOUT_A)
#define FLOWS_OTHER FLOWS_OF("b", "8", "64", LAYOUT_B)
#define FLOWS_LONGER FLOWS_OF("c", "16", "64", LAYOUT_LONG)

#define PROGRAM(name, section) "{'name':'" name "','section':'" section "','type':'x','autoload':true}"
#define SPARE(name, section) "{'name':'" name "','section':'" section "','type':'x','autoload':false}"

/* Ends of manifests. */
#define EXPORTS(access) ",'maps':{'exports':{'flows':{'access':'" access "'}}}"
#define SHARES(export, import, from)                                                                                   \
	"'maps':{'exports':{'" export "':{'access':'read'}},'imports':{'" import "':{'from':'" from                    \
				      "','access':'read'}}}"
#define AT_IFACE ",'params':{'iface':{'type':'interface','required':true}},'programs':{'count_in':{'target':'$iface'}}"
#define SLOTS ",'params':{'slots':{'type':'u32','default':'64','sets':'max_entries flows'}}"

static struct iov_ctx *ctx;
static struct iov_generation *from, *to;

static void setup(void)
{
	ctx = unit_ctx();
	from = calloc(1, sizeof(*from));
	to = calloc(1, sizeof(*to));
	ck_assert(from && to);
	from->number = 4;
	to->number = 5;
}

static void teardown(void)
{
	iov_generation_free(from);
	iov_generation_free(to);
	unit_ctx_free(ctx);
}

/* ---- builders ---- */

static void install(struct iov_generation *generation, const char *name, const char *version, const char *rest,
		    const char *programs, const char *maps)
{
	char manifest[1000], object[2000];
	snprintf(manifest, sizeof(manifest),
		 "{'schema':1,'name':'%s','version':'%s','summary':'A test','license':'GPL-2.0-only',"
		 "'build':{'sources':['a.bpf.c']}%s}",
		 name, version, rest);
	snprintf(object, sizeof(object), "{'license':'GPL','programs':[%s],'maps':[%s]}", programs, maps);
	unit_put_release(ctx, generation, unit_release(ctx, manifest, object));
}

static void load(struct iov_generation *generation, const char *name, const char *module, const char *params,
		 const char *imports)
{
	unit_put_instance(ctx, generation, name, module, params, imports);
}

/* flow-table exports the map `flows`. */
static void table(struct iov_generation *generation, const char *version, const char *access, const char *map)
{
	char rest[200];
	snprintf(rest, sizeof(rest),
		 ",'maps':{'exports':{'flows':{'access':'%s'}},'upgrade':{'flows':{'on_change':'migrate'}}}", access);
	install(generation, "flow-table", version, rest, "", map);
	load(generation, "flow-table", "flow-table", "{}", "{}");
}

/* flow-top imports it. */
static void top(struct iov_generation *generation, const char *version, const char *access, const char *map)
{
	char rest[300];
	snprintf(rest, sizeof(rest),
		 ",'dependencies':{'flow-table':'^1.0'},'maps':{'imports':{'flows':{'from':'flow-table','access':'%s'}}"
		 "}",
		 access);
	install(generation, "flow-top", version, rest, PROGRAM("watch", "raw_tp/sys_enter"), map);
	load(generation, "flow-top", "flow-top", "{}", "{'flows':'flow-table'}");
}

/* count attaches to an interface and shares nothing. */
static void count(struct iov_generation *generation, const char *version, const char *programs, const char *iface)
{
	char params[100];
	snprintf(params, sizeof(params), "{'iface':'%s'}", iface);
	install(generation, "count", version, AT_IFACE, programs, "");
	load(generation, "count", "count", params, "{}");
}

/* ---- the plan as lines ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	ck_assert_msg(value != NULL, "no '%s'", key);
	return json_is_null(value) ? "-" : json_string_value(value);
}

static void put_instance(struct iov_buf *text, const json_t *instance)
{
	size_t i;
	json_t *hook;
	iov_buf_printf(text, "%s %s: %s > %s\n", text_of(instance, "change"), text_of(instance, "instance"),
		       text_of(instance, "from"), text_of(instance, "to"));
	json_array_foreach(json_object_get(instance, "hooks"), i, hook) {
		iov_buf_printf(text, "  %s %s %s %s\n", text_of(hook, "change"), text_of(hook, "program"),
			       text_of(hook, "section"), text_of(hook, "target"));
	}
}

static void assert_plan(const char *expected)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_plan *plan = NULL;
	size_t i;
	json_t *one;
	unit_ok(ctx, iov_plan_make(ctx, from, to, &plan));
	iov_auto(iov_json_release) json_t *json = iov_plan_json(plan);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "from")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "to")), 5);
	iov_buf_puts(&text, iov_plan_is_empty(plan) ? "nothing to do\n" : "");
	json_array_foreach(json_object_get(json, "releases"), i, one) {
		iov_buf_printf(&text, "%s %s: %s > %s\n", text_of(one, "change"), text_of(one, "module"),
			       text_of(one, "from"), text_of(one, "to"));
	}
	json_array_foreach(json_object_get(json, "instances"), i, one) {
		put_instance(&text, one);
	}
	ck_assert_str_eq(text.data ? text.data : "", expected);
	iov_plan_free(plan);
}

static void assert_refused(enum iov_code code, const char *words)
{
	struct iov_plan *plan = NULL;
	unit_fails(ctx, iov_plan_make(ctx, from, to, &plan), code, words);
	ck_assert_ptr_null(plan);
}

/* ---- what changes ---- */

START_TEST(nothing)
{
	assert_plan("nothing to do\n");
}
END_TEST

START_TEST(the_same_again)
{
	count(from, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	count(to, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	assert_plan("nothing to do\n"
		    "keep count: 1.0.0 > 1.0.0\n"
		    "  keep count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(install_and_load)
{
	count(to, "1.0.0", PROGRAM("count_in", "tcx/ingress") "," PROGRAM("watch", "tracepoint/x/y"), "eth0");
	assert_plan("install count: - > 1.0.0\n"
		    "load count: - > 1.0.0\n"
		    "  load count_in tcx/ingress eth0\n"
		    "  load watch tracepoint/x/y \n");
}
END_TEST

START_TEST(unload_and_remove)
{
	count(from, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	assert_plan("remove count: 1.0.0 > -\n"
		    "unload count: 1.0.0 > -\n"
		    "  unload count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(install_alone)
{
	install(to, "count", "1.0.0", AT_IFACE, PROGRAM("count_in", "tcx/ingress"), "");
	assert_plan("install count: - > 1.0.0\n");
}
END_TEST

START_TEST(upgrade_keeps_the_hooks_that_stay)
{
	count(from, "1.0.0", PROGRAM("count_in", "tcx/ingress") "," PROGRAM("watch", "raw_tp/a"), "eth0");
	count(to, "1.1.0", PROGRAM("count_in", "tcx/ingress") "," PROGRAM("guard", "xdp"), "eth0");
	assert_plan("upgrade count: 1.0.0 > 1.1.0\n"
		    "replace count: 1.0.0 > 1.1.0\n"
		    "  replace count_in tcx/ingress eth0\n"
		    "  load guard xdp \n"
		    "  unload watch raw_tp/a \n");
}
END_TEST

START_TEST(downgrade)
{
	count(from, "1.10.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	count(to, "1.9.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	assert_plan("downgrade count: 1.10.0 > 1.9.0\n"
		    "replace count: 1.10.0 > 1.9.0\n"
		    "  replace count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(another_target_is_another_hook)
{
	count(from, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	count(to, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth1");
	assert_plan("replace count: 1.0.0 > 1.0.0\n"
		    "  load count_in tcx/ingress eth1\n"
		    "  unload count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(another_build_of_the_same_release)
{
	count(from, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	count(to, "1.0.0", PROGRAM("count_in", "tcx/ingress"), "eth0");
	memset(to->installed[0].object, 'b', 64);
	assert_plan("upgrade count: 1.0.0 > 1.0.0\n"
		    "replace count: 1.0.0 > 1.0.0\n"
		    "  replace count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(spare_programs_wait_for_the_manifest)
{
	count(to, "1.0.0", SPARE("count_in", "tcx/ingress") "," SPARE("other", "tcx/egress"), "eth0");
	assert_plan("install count: - > 1.0.0\n"
		    "load count: - > 1.0.0\n"
		    "  load count_in tcx/ingress eth0\n");
}
END_TEST

START_TEST(optional_hooks_are_marked)
{
	struct iov_plan *plan = NULL;
	install(to, "count", "1.0.0", ",'programs':{'b':{'optional':true}}",
		PROGRAM("a", "xdp") "," PROGRAM("b", "xdp"), "");
	load(to, "count", "count", "{}", "{}");
	unit_ok(ctx, iov_plan_make(ctx, from, to, &plan));
	ck_assert(!plan->instances[0].sites[0].optional);
	ck_assert(plan->instances[0].sites[1].optional);
	iov_plan_free(plan);
}
END_TEST

/* ---- providers and importers ---- */

START_TEST(providers_come_first)
{
	top(to, "1.0.0", "read", FLOWS);
	table(to, "1.0.0", "write", FLOWS);
	load(to, "a-top", "flow-top", "{}", "{'flows':'flow-table'}");
	assert_plan("install flow-table: - > 1.0.0\n"
		    "install flow-top: - > 1.0.0\n"
		    "load flow-table: - > 1.0.0\n"
		    "load a-top: - > 1.0.0\n"
		    "  load watch raw_tp/sys_enter \n"
		    "load flow-top: - > 1.0.0\n"
		    "  load watch raw_tp/sys_enter \n");
}
END_TEST

/* The transaction unloads from the end of the plan to its beginning. */
START_TEST(what_goes_stands_behind_providers_first_too)
{
	top(from, "1.0.0", "read", FLOWS);
	table(from, "1.0.0", "write", FLOWS);
	count(from, "1.0.0", "", "eth0");
	count(to, "1.0.0", "", "eth0");
	assert_plan("remove flow-table: 1.0.0 > -\n"
		    "remove flow-top: 1.0.0 > -\n"
		    "keep count: 1.0.0 > 1.0.0\n"
		    "unload flow-table: 1.0.0 > -\n"
		    "unload flow-top: 1.0.0 > -\n"
		    "  unload watch raw_tp/sys_enter \n");
}
END_TEST

START_TEST(importers_stay_when_the_map_stays)
{
	table(from, "1.0.0", "write", FLOWS);
	top(from, "1.0.0", "read", FLOWS);
	table(to, "1.1.0", "write", FLOWS);
	top(to, "1.0.0", "read", FLOWS);
	assert_plan("upgrade flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-table: 1.0.0 > 1.1.0\n"
		    "keep flow-top: 1.0.0 > 1.0.0\n"
		    "  keep watch raw_tp/sys_enter \n");
}
END_TEST

START_TEST(importers_follow_a_map_of_another_size)
{
	table(from, "1.0.0", "write", FLOWS);
	top(from, "1.0.0", "read", FLOWS);
	table(to, "1.1.0", "write", FLOWS_BIGGER);
	top(to, "1.0.0", "read", FLOWS);
	assert_plan("upgrade flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-top: 1.0.0 > 1.0.0\n"
		    "  replace watch raw_tp/sys_enter \n");
}
END_TEST

/* A program array is made anew with the programs in it. */
START_TEST(importers_follow_a_program_array)
{
#define ARRAY                                                                                                          \
	"{'name':'flows','type':'prog_array','key_size':4,'value_size':4,'max_entries':4,'flags':0,'layout':{},"       \
	"'fingerprint':'a000000000000000000000000000000000000000000000000000000000000000'}"
	table(from, "1.0.0", "write", ARRAY);
	top(from, "1.0.0", "read", ARRAY);
	table(to, "1.1.0", "write", ARRAY);
	top(to, "1.0.0", "read", ARRAY);
	assert_plan("upgrade flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-top: 1.0.0 > 1.0.0\n"
		    "  replace watch raw_tp/sys_enter \n");
}
END_TEST

START_TEST(importers_follow_a_map_that_a_parameter_resizes)
{
	install(from, "flow-table", "1.0.0", EXPORTS("write") SLOTS, "", FLOWS);
	install(to, "flow-table", "1.0.0", EXPORTS("write") SLOTS, "", FLOWS);
	top(from, "1.0.0", "read", FLOWS);
	top(to, "1.0.0", "read", FLOWS);
	load(from, "flow-table", "flow-table", "{'slots':'64'}", "{}");
	load(to, "flow-table", "flow-table", "{'slots':'256'}", "{}");
	assert_plan("replace flow-table: 1.0.0 > 1.0.0\n"
		    "replace flow-top: 1.0.0 > 1.0.0\n"
		    "  replace watch raw_tp/sys_enter \n");
}
END_TEST

START_TEST(importers_follow_a_longer_map_that_they_can_read)
{
	table(from, "1.0.0", "write", FLOWS);
	top(from, "1.0.0", "read", FLOWS);
	table(to, "1.1.0", "write", FLOWS_LONGER);
	top(to, "1.0.0", "read", FLOWS);
	assert_plan("upgrade flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-table: 1.0.0 > 1.1.0\n"
		    "replace flow-top: 1.0.0 > 1.0.0\n"
		    "  replace watch raw_tp/sys_enter \n");
}
END_TEST

START_TEST(another_provider)
{
	table(from, "1.0.0", "write", FLOWS);
	top(from, "1.0.0", "read", FLOWS);
	table(to, "1.0.0", "write", FLOWS);
	top(to, "1.0.0", "read", FLOWS);
	load(to, "second", "flow-table", "{}", "{}");
	load(to, "flow-top", "flow-top", "{}", "{'flows':'second'}");
	assert_plan("keep flow-table: 1.0.0 > 1.0.0\n"
		    "load second: - > 1.0.0\n"
		    "replace flow-top: 1.0.0 > 1.0.0\n"
		    "  replace watch raw_tp/sys_enter \n");
}
END_TEST

/* ---- what is refused ---- */

START_TEST(an_import_without_an_instance)
{
	top(to, "1.0.0", "read", FLOWS);
	assert_refused(
		IOV_E_CONFLICT,
		"instance 'flow-top' needs the map 'flows' of 'flow-table', which does not run; load it with 'iovpkg "
		"load flow-table', or unload 'flow-top' first");
}
END_TEST

START_TEST(an_import_that_nothing_names)
{
	top(to, "1.0.0", "read", FLOWS);
	table(to, "1.0.0", "write", FLOWS);
	load(to, "flow-top", "flow-top", "{}", "{}");
	assert_refused(IOV_E_CONFLICT, "instance 'flow-top' needs the map 'flows' of 'flow-table'");
}
END_TEST

START_TEST(an_import_from_another_module)
{
	top(to, "1.0.0", "read", FLOWS);
	count(to, "1.0.0", "", "eth0");
	load(to, "flow-top", "flow-top", "{}", "{'flows':'count'}");
	assert_refused(IOV_E_CONFLICT, "from 'count', which runs module 'count', not 'flow-table'");
}
END_TEST

START_TEST(an_instance_of_nothing)
{
	load(to, "count", "count", "{}", "{}");
	assert_refused(IOV_E_CONFLICT, "instance 'count' runs module 'count', which is not installed; install it with");
}
END_TEST

START_TEST(a_map_that_is_not_exported)
{
	install(to, "flow-table", "2.0.0", "", "", FLOWS);
	load(to, "flow-table", "flow-table", "{}", "{}");
	top(to, "1.0.0", "read", FLOWS);
	assert_refused(IOV_E_CONTRACT, "module 'flow-top' 1.0.0 uses the map 'flows' of 'flow-table', but 'flow-table' "
				       "2.0.0 exports no such map");
}
END_TEST

START_TEST(a_writer_of_what_may_only_be_read)
{
	table(to, "1.0.0", "read", FLOWS);
	top(to, "1.0.0", "write", FLOWS);
	assert_refused(
		IOV_E_CONTRACT,
		"module 'flow-top' 1.0.0 writes the map 'flows', but 'flow-table' 1.0.0 exports it for reading only");
}
END_TEST

START_TEST(another_layout_is_shown_beside_its_own)
{
	table(to, "2.0.0", "write", FLOWS_OTHER);
	top(to, "1.0.0", "read", FLOWS);
	assert_refused(
		IOV_E_CONTRACT,
		"module 'flow-top' 1.0.0 reads the map 'flows' with values of 8 bytes, laid out otherwise than the 8 "
		"bytes that 'flow-table' 2.0.0 exports (in the value field 'packets' is renamed to 'bytes'); install a "
		"'flow-top' that was built for 'flow-table' 2.0.0");
	assert_refused(IOV_E_CONTRACT, "\n  flow-table 2.0.0: hash, key 4, value 8, flags 0 | flow-top 1.0.0: hash, "
				       "key 4, value 8, flags 0\n");
	assert_refused(IOV_E_CONTRACT, "!      0      8  u64      bytes ");
}
END_TEST

START_TEST(a_writer_needs_the_exact_layout)
{
	table(to, "1.1.0", "write", FLOWS_LONGER);
	top(to, "1.0.0", "write", FLOWS);
	assert_refused(IOV_E_CONTRACT, "writes the map 'flows' with values of 8 bytes, laid out otherwise than the 16 "
				       "bytes that 'flow-table' 1.1.0 exports");
}
END_TEST

START_TEST(a_circle)
{
	const char *both = NAMED("laid") "," NAMED("hatched");
	install(to, "hen", "1.0.0", ",'dependencies':{'egg':'*'}," SHARES("laid", "hatched", "egg"), "", both);
	install(to, "egg", "1.0.0", ",'dependencies':{'hen':'*'}," SHARES("hatched", "laid", "hen"), "", both);
	load(to, "egg", "egg", "{}", "{'laid':'hen'}");
	load(to, "hen", "hen", "{}", "{'hatched':'egg'}");
	assert_refused(IOV_E_CONFLICT, "instances import maps in a circle: 'egg' from 'hen' from 'egg'");
}
END_TEST

Suite *suite_plan_make(void)
{
	Suite *suite = suite_create("plan_make");
	TCase *tests = tcase_create("plan");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing);
	tcase_add_test(tests, the_same_again);
	tcase_add_test(tests, install_and_load);
	tcase_add_test(tests, unload_and_remove);
	tcase_add_test(tests, install_alone);
	tcase_add_test(tests, upgrade_keeps_the_hooks_that_stay);
	tcase_add_test(tests, downgrade);
	tcase_add_test(tests, another_target_is_another_hook);
	tcase_add_test(tests, another_build_of_the_same_release);
	tcase_add_test(tests, spare_programs_wait_for_the_manifest);
	tcase_add_test(tests, optional_hooks_are_marked);
	tcase_add_test(tests, providers_come_first);
	tcase_add_test(tests, what_goes_stands_behind_providers_first_too);
	tcase_add_test(tests, importers_stay_when_the_map_stays);
	tcase_add_test(tests, importers_follow_a_map_of_another_size);
	tcase_add_test(tests, importers_follow_a_program_array);
	tcase_add_test(tests, importers_follow_a_map_that_a_parameter_resizes);
	tcase_add_test(tests, importers_follow_a_longer_map_that_they_can_read);
	tcase_add_test(tests, another_provider);
	tcase_add_test(tests, an_import_without_an_instance);
	tcase_add_test(tests, an_import_that_nothing_names);
	tcase_add_test(tests, an_import_from_another_module);
	tcase_add_test(tests, an_instance_of_nothing);
	tcase_add_test(tests, a_map_that_is_not_exported);
	tcase_add_test(tests, a_writer_of_what_may_only_be_read);
	tcase_add_test(tests, another_layout_is_shown_beside_its_own);
	tcase_add_test(tests, a_writer_needs_the_exact_layout);
	tcase_add_test(tests, a_circle);
	suite_add_tcase(suite, tests);
	return suite;
}
