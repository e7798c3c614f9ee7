/* Health checks decide whether a generation stays; with the recording engine, which is told what the checks see. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/recording.h"
#include "modules.h"
#include "plan/make.h"
#include "state/generations.h"
#include "transaction/transaction.h"
#include "util/cleanup.h"

#define MANIFEST(version, more)                                                                                        \
	"{'schema':1,'name':'counter','version':'" version "','summary':'A test','license':'GPL-2.0-only',"            \
	"'build':{'sources':['a.bpf.c']},'params':{'word':{'type':'string','default':'hello'}},"                       \
	"'programs':{'count_in':{'target':'eth0'},'gone':{'target':'eth9','optional':true}}" more "}"
#define FINGERPRINT "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define MAP(name, type, layout)                                                                                        \
	"{'name':'" name "','type':'" type "','key_size':4,'value_size':16,'max_entries':8,'flags':0,'layout':" layout \
	",'fingerprint':" FINGERPRINT "}"
#define PAIR                                                                                                           \
	"{'kind':'struct','size':16,'members':[{'name':'packets','offset':0,'type':'u64'},"                            \
	"{'name':'drift','offset':64,'type':'s64'}]}"
#define OBJECT                                                                                                         \
	"{'license':'GPL','programs':[{'name':'count_in','section':'tcx/ingress','type':'sched_cls','autoload':true}," \
	"{'name':'gone','section':'tcx/egress','type':'sched_cls','autoload':true}],'maps':[" MAP(                     \
		"flows", "hash",                                                                                       \
		"{'key':'u32','value':" PAIR                                                                           \
		"}") "," MAP(".bss", "array",                                                                          \
			     "{'key':'u32','value':{'kind':'section','size':4,'members':["                             \
			     "{'name':'errors','offset':0,'type':'u32'}]}}") "]}"

struct host {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
};

static void begin(struct host *host)
{
	host->ctx = unit_ctx();
	unit_ok(host->ctx, iov_engine_recording_new(host->ctx, &host->engine));
	unit_ok(host->ctx, iov_recording_refuse(host->engine, "eth9", IOV_E_NOT_FOUND));
}

static void end(struct host *host)
{
	iov_engine_free(host->engine);
	unit_ctx_free(host->ctx);
}

static uint64_t current(const struct host *host)
{
	uint64_t number = 0;
	unit_ok(host->ctx, iov_generation_current_number(host->ctx, &number));
	return number;
}

/* To a generation with this release of the module. */
static int go(const struct host *host, const char *manifest, bool no_health)
{
	iov_auto(iov_generation_release) struct iov_generation *from = NULL;
	iov_auto(iov_generation_release) struct iov_generation *to = calloc(1, sizeof(*to));
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	unit_ok(host->ctx, iov_generation_current(host->ctx, &from));
	to->number = from->number + 1;
	unit_put_release(host->ctx, to, unit_release(host->ctx, manifest, OBJECT));
	unit_put_instance(host->ctx, to, "counter", "counter", "{'word':'hello'}", "{}");
	unit_ok(host->ctx, iov_plan_make(host->ctx, from, to, &plan));
	plan->no_health = no_health;
	return iov_transaction_run(host->ctx, host->engine, plan);
}

static void say(const struct host *host, const char *name, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		unit_ok(host->ctx, iov_recording_say(host->engine, name, values[i]));
}

#define SEEN(...) (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static const struct {
	const char *check, *name;
	const uint64_t *seen;
	size_t n_seen;
	const char *words; /* NULL: healthy */
} cases[] = {
	{"{'program':'count_in','ran_within':'200ms'}", "count_in", SEEN(7, 7, 8), NULL},
	{"{'program':'count_in','ran_within':'30ms'}", "count_in", SEEN(7),
	 "its manifest asks that program 'count_in' runs within 30ms, but it did not run at all"},
	{"{'program':'gone','ran_within':'30ms'}", "gone", SEEN(1, 2), "it is not attached anywhere"},
	{"{'map':'flows','at_least':'2','within':'200ms'}", "flows", SEEN(0, 1, 2), NULL},
	{"{'map':'flows','at_least':'2','within':'30ms'}", "flows", SEEN(1),
	 "map 'flows': the number of entries is at least 2 within 30ms, but it is 1"},
	{"{'map':'flows','key':'1','field':'packets','rises_by':'3','within':'200ms'}", "flows.packets",
	 SEEN(10, 11, 12, 13), NULL},
	{"{'map':'flows','key':'1','field':'packets','rises_by':'3','within':'30ms'}", "flows.packets", SEEN(10, 12),
	 "map 'flows' [1].packets rises by 3 within 30ms, but it went from 10 to 12"},
	{"{'map':'flows','key':'1','field':'packets','at_least':'1','within':'30ms'}", "elsewhere", SEEN(1),
	 "but there is no such entry"},
	{"{'map':'flows','key':'1','field':'drift','equals':'-2','within':'200ms'}", "flows.drift",
	 SEEN((uint64_t)-1, (uint64_t)-2), NULL},
	{"{'map':'flows','key':'1','field':'drift','at_most':'-2','within':'30ms'}", "flows.drift", SEEN((uint64_t)-1),
	 "but it is -1"},
	{"{'variable':'errors','equals':'0','throughout':'60ms'}", ".bss.errors", SEEN(0), NULL},
	{"{'variable':'errors','at_most':'0','throughout':'10s'}", ".bss.errors", SEEN(0, 0, 3),
	 "variable 'errors' is at most 0 throughout 10s, but it is 3"},
	{"{'command':['true'],'within':'5s'}", "", SEEN(0), NULL},
	{"{'command':['test','$word','=','hello'],'within':'5s'}", "", SEEN(0), NULL},
	{"{'command':['sh','-c','echo one >&2; echo two >&2; exit 3'],'within':'5s'}", "", SEEN(0),
	 "succeeds within 5s, but it ended with status 3: one"},
	{"{'command':['sleep','60'],'within':'100ms'}", "", SEEN(0),
	 "command 'sleep 60' succeeds within 100ms, but it was still running then"},
	{"{'command':['/no/such/program'],'within':'5s'}", "", SEEN(0), "but it cannot be started: No such file"},
};

START_TEST(one_check_decides)
{
	struct host host;
	char manifest[2048];
	begin(&host);
	unit_ok(host.ctx, go(&host, MANIFEST("1.0.0", ""), false));
	say(&host, cases[_i].name, cases[_i].seen, cases[_i].n_seen);
	snprintf(manifest, sizeof(manifest), MANIFEST("1.1.0", ",'health':[%s]"), cases[_i].check);
	int rc = go(&host, manifest, false);
	if (cases[_i].words)
		unit_fails(host.ctx, rc, IOV_E_UNHEALTHY, cases[_i].words);
	else
		unit_ok(host.ctx, rc);
	ck_assert_uint_eq(current(&host), cases[_i].words ? 1 : 2);
	end(&host);
}
END_TEST

START_TEST(operator_may_do_without)
{
	struct host host;
	begin(&host);
	unit_ok(host.ctx, go(&host, MANIFEST("1.0.0", ",'health':[{'command':['false'],'within':'5s'}]"), true));
	ck_assert_uint_eq(current(&host), 1);
	end(&host);
}
END_TEST

/* Three checks of 300 ms each, and one that fails at once. */
START_TEST(checks_go_side_by_side)
{
	static const char three[] = MANIFEST(
		"1.0.0",
		",'health':[{'command':['sleep','0.3'],'within':'9s'},{'command':['sleep','0.2'],'within':'9s'},"
		"{'variable':'errors','equals':'0','throughout':'300ms'}]");
	static const char failing[] = MANIFEST(
		"1.0.0", ",'health':[{'command':['sleep','9'],'within':'9s'},{'command':['false'],'within':'9s'}]");
	struct host host;
	begin(&host);
	time_t before = time(NULL);
	unit_fails(host.ctx, go(&host, failing, false), IOV_E_UNHEALTHY, "command 'false' succeeds within 9s");
	ck_assert_uint_eq(current(&host), 0);
	unit_ok(host.ctx, go(&host, three, false));
	ck_assert_int_lt(time(NULL) - before, 7);
	end(&host);
}
END_TEST

START_TEST(plan_tells_the_checks)
{
	struct host host;
	begin(&host);
	const struct iov_generation nothing = {0};
	iov_auto(iov_generation_release) struct iov_generation *to = calloc(1, sizeof(*to));
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	unit_put_release(host.ctx, to,
			 unit_release(host.ctx,
				      MANIFEST("1.0.0", ",'health':[{'map':'flows','key':{'a':'1','b':'2'},'field':'x',"
							"'at_least':'1','within':'1s'}]"),
				      OBJECT));
	unit_put_instance(host.ctx, to, "counter", "counter", "{}", "{}");
	unit_ok(host.ctx, iov_plan_make(host.ctx, &nothing, to, &plan));
	iov_auto(iov_json_release) json_t *json = iov_plan_json(plan);
	json_t *health = json_object_get(json_array_get(json_object_get(json, "instances"), 0), "health");
	ck_assert_uint_eq(json_array_size(health), 1);
	ck_assert_str_eq(json_string_value(json_array_get(health, 0)),
			 "map 'flows' [a 1, b 2].x is at least 1 within 1s");
	end(&host);
}
END_TEST

Suite *suite_transaction_health(void)
{
	Suite *suite = suite_create("transaction_health");
	TCase *tests = tcase_create("health");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, one_check_decides, 0, IOV_COUNT(cases));
	tcase_add_test(tests, operator_may_do_without);
	tcase_add_test(tests, checks_go_side_by_side);
	tcase_add_test(tests, plan_tells_the_checks);
	suite_add_tcase(suite, tests);
	return suite;
}
