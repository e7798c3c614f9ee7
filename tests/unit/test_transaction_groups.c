/* `choose` of a manifest: which group of programs an instance runs, with the recording engine, whose kernel refuses
 * what it is told to. */
#include <stdio.h>
#include <string.h>

#include "core/groups.h"
#include "engine/pretend.h"
#include "hosts.h"
#include "plan/make.h"
#include "state/generations.h"
#include "core/fault.h"
#include "transaction/transaction.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* Not there in a library built without fault points: then there is nothing to walk. */
#pragma weak iov_fault

#define POINTS_MAX 200

#define MANIFEST(version, choose)                                                                                      \
	"{'schema':1,'name':'ends','version':'" version "','summary':'A test','license':'GPL-2.0-only',"               \
	"'build':{'sources':['a.bpf.c']},'params':{'size':{'type':'u32','default':'1'}},'choose':" choose ","          \
	"'health':[{'program':'typed','ran_within':'1s'},{'program':'raw','ran_within':'1s'},"                         \
	"{'program':'probe','ran_within':'1s'}]}"
#define PROGRAM(name, section, type, autoload)                                                                         \
	"{'name':'" name "','section':'" section "','type':'" type "','autoload':" autoload "}"
#define OBJECT                                                                                                         \
	"{'license':'GPL','programs':[" PROGRAM("always", "tp/a/b", "tracepoint", "true") "," PROGRAM(                 \
		"probe", "kprobe/end", "kprobe",                                                                       \
		"true") "," PROGRAM("back", "kretprobe/end", "kprobe",                                                 \
				    "true") "," PROGRAM("typed", "tp_btf/end", "tracing",                              \
							"false") "," PROGRAM("raw", "raw_tp/end", "raw_tracepoint",    \
									     "true") "],'maps':[]}"
#define FIRST MANIFEST("1.0.0", "[['probe','back'],['typed'],['raw']]")
#define SECOND MANIFEST("2.0.0", "[['raw'],['typed'],['probe','back']]")

struct host {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
};

static void begin(struct host *host)
{
	host->ctx = unit_ctx();
	unit_ok(host->ctx, iov_engine_recording_new(host->ctx, &host->engine));
}

static void end(struct host *host)
{
	iov_engine_free(host->engine);
	unit_ctx_free(host->ctx);
}

static void refuse(const struct host *host, const char *word, enum iov_code code)
{
	unit_ok(host->ctx, iov_recording_refuse(host->engine, word, code));
}

/* To a generation with this release and these parameters, as a command does it. */
static int go(struct iov_ctx *ctx, struct iov_engine *engine, const char *manifest, const char *params)
{
	iov_auto(iov_generation_release) struct iov_generation *from = NULL;
	iov_auto(iov_generation_release) struct iov_generation *to = calloc(1, sizeof(*to));
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	unit_ok(ctx, iov_generation_current(ctx, &from));
	to->number = from->number + 1;
	unit_put_release(ctx, to, unit_release(ctx, manifest, OBJECT));
	unit_put_instance(ctx, to, "ends", "ends", params, "{}");
	int rc = iov_transaction_choose(ctx, engine, from, to);
	if (!rc)
		rc = iov_plan_make(ctx, from, to, &plan);
	if (rc)
		return rc;
	plan->no_health = true;
	return iov_transaction_run(ctx, engine, plan);
}

static int reach(const struct host *host, const char *manifest)
{
	return go(host->ctx, host->engine, manifest, "{'size':'1'}");
}

static void check_group(const struct host *host, uint64_t number, unsigned group, const char *choice)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	unit_ok(host->ctx, iov_generation_current(host->ctx, &current));
	ck_assert_uint_eq(current->number, number);
	struct iov_instance *instance = iov_generation_instance(current, "ends");
	ck_assert_uint_eq(instance->group, group);
	iov_auto(iov_json_release) json_t *json =
		iov_choice_json(iov_generation_installed(current, "ends")->release->manifest, instance);
	iov_auto(iov_json_release) json_t *expected = unit_json(choice);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(json);
	ck_assert_msg(json_equal(json, expected), "the choice is %s", text);
	host_check(host->ctx, 0);
}

static bool is_pinned(const struct host *host, const char *program)
{
	iov_auto(iov_free_ptr) char *pin = iov_path(host->ctx, IOV_PINS "/live/ends/progs/%s", program);
	return iov_fs_exists(pin);
}

static unsigned count_rehearsals(const struct host *host)
{
	unsigned count = 0;
	for (const char *at = iov_recording_calls(host->engine); (at = strstr(at, "rehearse ")); at++)
		count++;
	return count;
}

#define REFUSED(word) "this kernel was told to refuse '" word "'; tell it otherwise"
#define REASON(word) "'reason':'this kernel was told to refuse \\u0027" word "\\u0027; tell it otherwise'"
#define BOTH_GONE                                                                                                      \
	"{'group':3,'programs':['raw'],'passed_over':[{'programs':['probe','back']," REASON(                           \
		"kretprobe/end") "},{'programs':['typed']," REASON("tp_btf/end") "}]}"

START_TEST(the_first_group_runs)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, reach(&host, FIRST));
	check_group(&host, 1, 1, "{'group':1,'programs':['probe','back'],'passed_over':[]}");
	ck_assert(is_pinned(&host, "always") && is_pinned(&host, "probe") && is_pinned(&host, "back"));
	ck_assert(!is_pinned(&host, "typed") && !is_pinned(&host, "raw"));
	end(&host);
}
END_TEST

START_TEST(what_the_kernel_refuses_is_passed_over)
{
	struct host host;
	begin(&host);
	refuse(&host, "kprobe/end", IOV_E_UNSUPPORTED);
	unit_ok(host.ctx, reach(&host, FIRST));
	ck_assert(is_pinned(&host, "always") && is_pinned(&host, "typed"));
	ck_assert(!is_pinned(&host, "probe") && !is_pinned(&host, "back") && !is_pinned(&host, "raw"));
	ck_assert_uint_eq(count_rehearsals(&host), 2);
	end(&host);
}
END_TEST

static const enum iov_code facts[] = {IOV_E_UNSUPPORTED, IOV_E_NOT_FOUND, IOV_E_REJECTED, IOV_E_PERMISSION};

START_TEST(none_is_an_error_that_names_all)
{
	struct host host;
	begin(&host);
	refuse(&host, "kretprobe/end", facts[_i]);
	refuse(&host, "tp_btf/end", facts[_i]);
	refuse(&host, "raw_tp/end", facts[_i]);
	unit_fails(host.ctx, reach(&host, FIRST), IOV_E_UNSUPPORTED,
		   "instance 'ends': this kernel takes no group of 'choose' of ends 1.0.0; install a release for this "
		   "kernel, or boot a newer one\n"
		   "  'probe', 'back': " REFUSED(
			   "kretprobe/end") "\n"
					    "  'typed': " REFUSED("tp_btf/end") "\n"
										"  'raw': " REFUSED("raw_tp/end"));
	ck_assert_uint_eq(host_number(host.ctx), 0);
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

static const enum iov_code failures[] = {IOV_E_IO, IOV_E_SPACE, IOV_E_INPUT};

START_TEST(other_failures_are_not_passed_over)
{
	struct host host;
	begin(&host);
	refuse(&host, "kprobe/end", failures[_i]);
	unit_fails(host.ctx, reach(&host, FIRST), failures[_i], "refuse 'kprobe/end'");
	ck_assert_uint_eq(count_rehearsals(&host), 1);
	ck_assert_uint_eq(host_number(host.ctx), 0);
	end(&host);
}
END_TEST

START_TEST(what_runs_keeps_its_group)
{
	struct host host;
	begin(&host);
	refuse(&host, "kprobe/end", IOV_E_UNSUPPORTED);
	unit_ok(host.ctx, reach(&host, FIRST));
	refuse(&host, "kprobe/end", IOV_OK);
	unit_ok(host.ctx, reach(&host, FIRST));
	ck_assert_uint_eq(count_rehearsals(&host), 2);
	check_group(&host, 2, 2,
		    "{'group':2,'programs':['typed'],'passed_over':["
		    "{'programs':['probe','back']," REASON("kprobe/end") "}]}");
	unit_ok(host.ctx, go(host.ctx, host.engine, FIRST, "{'size':'2'}"));
	check_group(&host, 3, 1, "{'group':1,'programs':['probe','back'],'passed_over':[]}");
	end(&host);
}
END_TEST

START_TEST(an_upgrade_changes_hooks)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, reach(&host, FIRST));
	unit_ok(host.ctx, reach(&host, SECOND));
	check_group(&host, 2, 1, "{'group':1,'programs':['raw'],'passed_over':[]}");
	ck_assert(is_pinned(&host, "always") && is_pinned(&host, "raw") && !is_pinned(&host, "probe"));
	end(&host);
}
END_TEST

static void end_kernel(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *bpffs = iov_path(ctx, IOV_BPFFS);
	ck_assert_int_eq(iov_fs_rmtree(bpffs), 0);
	ck_assert_int_eq(iov_fs_mkdirs(bpffs, 0755), 0);
}

START_TEST(another_kernel_chooses_anew)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, reach(&host, FIRST));
	end_kernel(host.ctx);
	refuse(&host, "kretprobe/end", IOV_E_REJECTED);
	refuse(&host, "tp_btf/end", IOV_E_UNSUPPORTED);
	unit_ok(host.ctx, host_recover(host.ctx));
	check_group(&host, 2, 3, BOTH_GONE);
	end_kernel(host.ctx);
	refuse(&host, "kretprobe/end", IOV_E_REJECTED);
	refuse(&host, "tp_btf/end", IOV_E_UNSUPPORTED);
	unit_ok(host.ctx, host_recover(host.ctx));
	check_group(&host, 2, 3, BOTH_GONE); /* the same again is no other generation */
	end_kernel(host.ctx);
	unit_ok(host.ctx, host_recover(host.ctx));
	check_group(&host, 3, 1, "{'group':1,'programs':['probe','back'],'passed_over':[]}");
	end(&host);
}
END_TEST

START_TEST(only_the_chosen_group_is_asked_for_health)
{
	struct host host;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	const struct iov_generation nothing = {0};
	begin(&host);
	unit_ok(host.ctx, reach(&host, SECOND));
	unit_ok(host.ctx, iov_generation_current(host.ctx, &current));
	unit_ok(host.ctx, iov_plan_make(host.ctx, &nothing, current, &plan));
	iov_auto(iov_json_release) json_t *json = iov_plan_json(plan);
	const json_t *health = json_object_get(json_array_get(json_object_get(json, "instances"), 0), "health");
	ck_assert_uint_eq(json_array_size(health), 1);
	ck_assert_str_eq(json_string_value(json_array_get(health, 0)), "program 'raw' runs within 1s");
	end(&host);
}
END_TEST

/* ---- killed ---- */

static int upgrade(struct iov_ctx *ctx, int unused)
{
	struct iov_engine *engine = NULL;
	(void)unused;
	int rc = iov_engine_recording_new(ctx, &engine);
	if (!rc)
		rc = go(ctx, engine, SECOND, "{'size':'1'}");
	iov_engine_free(engine);
	return rc;
}

static bool kill_upgrade(unsigned point)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, reach(&host, FIRST));
	enum host_end outcome = host_meet(host.ctx, upgrade, 0, "", point);
	unit_ok(host.ctx, host_recover(host.ctx));
	if (host_number(host.ctx) == 1)
		check_group(&host, 1, 1, "{'group':1,'programs':['probe','back'],'passed_over':[]}");
	else
		check_group(&host, 2, 1, "{'group':1,'programs':['raw'],'passed_over':[]}");
	end(&host);
	return outcome == HOST_KILLED;
}

static int recover(struct iov_ctx *ctx, int unused)
{
	(void)unused;
	return host_recover(ctx);
}

static bool kill_restore(unsigned point)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, reach(&host, FIRST));
	end_kernel(host.ctx);
	refuse(&host, "kretprobe/end", IOV_E_REJECTED);
	refuse(&host, "tp_btf/end", IOV_E_UNSUPPORTED);
	enum host_end outcome = host_meet(host.ctx, recover, 0, "", point);
	unit_ok(host.ctx, host_recover(host.ctx));
	check_group(&host, 2, 3, BOTH_GONE);
	end(&host);
	return outcome == HOST_KILLED;
}

static bool (*const kills[])(unsigned point) = {kill_upgrade, kill_restore};

START_TEST(killed_at_every_point)
{
	unsigned point = 1;
	while (kills[_i](point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 3);
}
END_TEST

Suite *suite_transaction_groups(void)
{
	Suite *suite = suite_create("transaction/groups");
	TCase *choose = tcase_create("choose");
	tcase_set_timeout(choose, 60);
	suite_add_tcase(suite, choose);
	tcase_add_test(choose, the_first_group_runs);
	tcase_add_test(choose, what_the_kernel_refuses_is_passed_over);
	tcase_add_loop_test(choose, none_is_an_error_that_names_all, 0, (int)IOV_COUNT(facts));
	tcase_add_loop_test(choose, other_failures_are_not_passed_over, 0, (int)IOV_COUNT(failures));
	tcase_add_test(choose, what_runs_keeps_its_group);
	tcase_add_test(choose, an_upgrade_changes_hooks);
	tcase_add_test(choose, another_kernel_chooses_anew);
	tcase_add_test(choose, only_the_chosen_group_is_asked_for_health);
	if (iov_fault)
		tcase_add_loop_test(choose, killed_at_every_point, 0, (int)IOV_COUNT(kills));
	else
		fprintf(stderr, "# SKIP transaction/groups: kills need configure --enable-fault-points\n");
	return suite;
}
