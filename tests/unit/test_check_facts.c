#include <string.h>

#include "check/check.h"
#include "check/features.h"
#include "core/facts.h"
#include "live.h"
#include "modules.h"
#include "unit.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static void free_object(struct iov_object **object)
{
	iov_object_free(*object);
}

static struct iov_object *read_object(const char *name)
{
	struct iov_object *object = NULL;
	unit_ok(ctx, iov_check_object(ctx, live_object(name), &object));
	ck_assert_ptr_nonnull(object->facts);
	return object;
}

static const json_t *group_of(const struct iov_object *object, const char *program)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(object->facts, "programs"), i, group) {
		if (json_object_get(json_object_get(group, "names"), program))
			return group;
	}
	ck_abort_msg("no program '%s'", program);
	return NULL;
}

/* A need in words: "byte_off struct task_struct.tgid", "helper loop", "kfunc x?". */
static void put_need(const struct iov_object *object, json_int_t number, struct iov_buf *text)
{
	const json_t *need = json_array_get(json_object_get(object->facts, "needs"), (size_t)number);
	const char *kind = iov_facts_kind(need), *field = json_string_value(json_object_get(need, "field")),
		   *enumerator = json_string_value(json_object_get(need, "enumerator")),
		   *type = json_string_value(json_object_get(need, "type"));
	iov_buf_printf(text, "%s%s %s", text->len ? ", " : "",
		       type ? json_string_value(json_object_get(need, kind)) : kind,
		       type ? type : json_string_value(json_object_get(need, kind)));
	iov_buf_printf(text, "%s%s", field || enumerator ? "." : "", field ? field : enumerator ? enumerator : "");
	iov_buf_puts(text, json_object_get(need, "asked") ? "??" : json_object_get(need, "weak") ? "?" : "");
}

static char *needs_of(const struct iov_object *object, const json_t *numbers)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t i;
	json_t *number;
	json_array_foreach(numbers, i, number) {
		put_need(object, json_integer_value(number), &text);
	}
	iov_buf_puts(&text, "");
	return iov_buf_take(&text);
}

static void check_list(const struct iov_object *object, const char *program, const char *list, const char *expected)
{
	iov_auto(iov_free_ptr) char *text = needs_of(object, json_object_get(group_of(object, program), list));
	ck_assert_str_eq(text ? text : "", expected);
}

/* The need that is guarded at `index`, and by what. */
static void check_guarded(const struct iov_object *object, const char *program, size_t index, const char *need,
			  const char *absent, const char *present)
{
	const json_t *one = json_array_get(json_object_get(group_of(object, program), "guarded"), index);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_ptr_nonnull(one);
	put_need(object, json_integer_value(json_object_get(one, "need")), &text);
	ck_assert_str_eq(text.data, need);
	iov_auto(iov_free_ptr) char *without = needs_of(object, json_object_get(one, "absent"));
	iov_auto(iov_free_ptr) char *with = needs_of(object, json_object_get(one, "present"));
	ck_assert_str_eq(without ? without : "", absent);
	ck_assert_str_eq(with ? with : "", present);
}

#define STATE "field_exists struct task_struct.__state"

START_TEST(a_field_that_is_asked_for_guards)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	check_list(object, "either_field", "always", STATE);
	check_list(object, "either_field", "sometimes", "helper probe_read_kernel");
	check_guarded(object, "either_field", 0, "byte_off struct task_struct.__state", STATE, "");
	check_guarded(object, "either_field", 1, "byte_off struct task_struct.old_state", "", STATE);
	check_list(object, "always_field", "always", "helper probe_read_kernel, byte_off struct task_struct.old_state");
}
END_TEST

START_TEST(a_branch_is_neither_always_nor_guarded)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	check_list(object, "sometimes_field", "always", "");
	check_list(object, "sometimes_field", "sometimes",
		   "helper probe_read_kernel, byte_off struct task_struct.comm");
	ck_assert_ptr_null(json_object_get(group_of(object, "sometimes_field"), "guarded"));
}
END_TEST

START_TEST(functions_are_followed)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	check_guarded(object, "through_a_function", 0, "helper probe_write_user", "enumval_exists enum made_up.MADE_UP",
		      "");
	check_list(object, "with_functions", "always",
		   "helper loop, kfunc bpf_rcu_read_lock, config LINUX_KERNEL_VERSION, kfunc bpf_made_up??, "
		   "ksym made_up_variable??, config CONFIG_MADE_UP?");
	check_list(object, "with_functions", "sometimes", "helper get_prandom_u32");
	check_guarded(object, "with_functions", 0, "kfunc bpf_made_up?", "kfunc bpf_made_up??", "");
}
END_TEST

static const struct {
	const char *program, *target, *attach;
	bool sleepable, frags;
} programs[] = {
	{"either_field", "sched_switch", "trace_raw_tp", false, false},
	{"always_field", "sched_switch", NULL, false, false},
	{"through_a_function", "do_nothing", NULL, false, false},
	{"with_functions", "do_nothing", "trace_fentry", true, false},
	{"frames", "", "xdp", false, true},
};

START_TEST(tells_where_programs_attach)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	const json_t *group = group_of(object, programs[_i].program), *attach = json_object_get(group, "attach");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(group, "names"), programs[_i].program)),
			 programs[_i].target);
	ck_assert(programs[_i].attach ? !strcmp(json_string_value(attach), programs[_i].attach) : !attach);
	ck_assert_int_eq(json_is_true(json_object_get(group, "sleepable")), programs[_i].sleepable);
	ck_assert_int_eq(json_is_true(json_object_get(group, "frags")), programs[_i].frags);
}
END_TEST

START_TEST(equal_programs_stand_together)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	ck_assert_ptr_eq(group_of(object, "frames"), group_of(object, "more_frames"));
	ck_assert_ptr_ne(group_of(object, "frames"), group_of(object, "always_field"));
}
END_TEST

START_TEST(types_come_without_flavor)
{
	iov_auto(free_object) struct iov_object *object = read_object("core");
	iov_auto(iov_free_ptr) char *all = needs_of(object, json_object_get(group_of(object, "core"), "always"));
	const char *const parts[] = {
		"field_exists struct mm_struct.not_there",  "byte_off struct pid.numbers[0].nr",
		"byte_off struct signal_struct.pids[2]",    "type_exists typedef atomic_t",
		"enumval_value enum pid_type.PIDTYPE_PGID", "byte_off struct task_struct.tasks.next"};
	for (size_t i = 0; i < IOV_COUNT(parts); i++)
		ck_assert_msg(strstr(all, parts[i]), "'%s' is not in '%s'", parts[i], all);
}
END_TEST

/* Facts that are read again are what they were, and an object may be without. */
START_TEST(facts_are_read_again)
{
	iov_auto(free_object) struct iov_object *object = read_object("facts");
	iov_auto(free_object) struct iov_object *again = NULL;
	iov_auto(free_object) struct iov_object *old = NULL;
	iov_auto(iov_json_release) json_t *without = unit_json("{'license':'GPL','maps':[],'programs':[]}");
	unit_ok(ctx, iov_object_from_json(ctx, object->json, &again));
	ck_assert(json_equal(again->facts, object->facts));
	unit_ok(ctx, iov_object_from_json(ctx, without, &old));
	ck_assert_ptr_null(old->facts);
}
END_TEST

static const struct {
	const char *facts, *words;
} bad[] = {
	{"{'needs':[]}", "'programs'"},
	{"{'needs':[{'spell':'x'}],'programs':[]}", "a need is of a kind that is not known"},
	{"{'needs':[{'relocation':'byte_off'}],'programs':[]}", "a relocation has no type"},
	{"{'needs':[{'helper':'x','field':7}],'programs':[]}", "is not a string"},
	{"{'needs':[],'programs':[{}]}", "has no names"},
	{"{'needs':[],'programs':[{'names':{'a':1}}]}", "target of a program is not a string"},
	{"{'needs':[],'programs':[{'names':{},'always':[0]}]}", "a number names no need"},
	{"{'needs':[],'programs':[{'names':{},'sometimes':7}]}", "a list of needs is none"},
	{"{'needs':[],'programs':[{'names':{},'guarded':[{}]}]}", "a number names no need"},
};

START_TEST(bad_facts_are_refused)
{
	iov_auto(iov_json_release) json_t *json = unit_json("{'license':'GPL','maps':[],'programs':[]}");
	struct iov_object *object = NULL;
	json_object_set_new(json, "facts", unit_json(bad[_i].facts));
	unit_fails(ctx, iov_object_from_json(ctx, json, &object), IOV_E_INPUT, bad[_i].words);
}
END_TEST

START_TEST(features_have_versions)
{
	ck_assert_str_eq(iov_feature_since(IOV_PROGRAM_TYPE, "netfilter"), "6.4");
	ck_assert_str_eq(iov_feature_since(IOV_MAP_TYPE, "arena"), "6.9");
	ck_assert_str_eq(iov_feature_since(IOV_ATTACH_TYPE, "tcx_ingress"), "6.6");
	ck_assert_str_eq(iov_feature_since(IOV_HELPER, "loop"), "5.17");
	ck_assert_ptr_null(iov_feature_since(IOV_HELPER, "made_up"));
	for (uint32_t i = 1; i < IOV_HELPERS; i++)
		ck_assert(iov_helper_by_id(i)->name && iov_helper_by_id(i)->since);
	ck_assert_ptr_null(iov_helper_by_id(IOV_HELPERS));
	ck_assert_ptr_null(iov_helper_by_id(0));
}
END_TEST

Suite *suite_check_facts(void)
{
	Suite *suite = suite_create("check/facts");
	TCase *tests = tcase_create("facts");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_field_that_is_asked_for_guards);
	tcase_add_test(tests, a_branch_is_neither_always_nor_guarded);
	tcase_add_test(tests, functions_are_followed);
	tcase_add_loop_test(tests, tells_where_programs_attach, 0, IOV_COUNT(programs));
	tcase_add_test(tests, equal_programs_stand_together);
	tcase_add_test(tests, types_come_without_flavor);
	tcase_add_test(tests, facts_are_read_again);
	tcase_add_loop_test(tests, bad_facts_are_refused, 0, IOV_COUNT(bad));
	tcase_add_test(tests, features_have_versions);
	suite_add_tcase(suite, tests);
	return suite;
}
