#include "hosts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/pretend.h"
#include "plan/make.h"
#include "state/generations.h"
#include "state/journal.h"
#include "transaction/transaction.h"
#include "transaction/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define FINGERPRINT "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define FLOWS                                                                                                          \
	"{'name':'flows','type':'hash','key_size':8,'value_size':16,'max_entries':1024,'flags':0,'layout':{},"         \
	"'fingerprint':" FINGERPRINT "}"
#define PROGRAM(name, section, type) "{'name':'" name "','section':'" section "','type':'" type "','autoload':true}"
#define COUNT_IN PROGRAM("count_in", "tcx/ingress", "sched_cls")
#define COUNT_OUT PROGRAM("count_out", "tc/egress", "sched_cls") /* a filter in the pretended kernel */
#define WATCH PROGRAM("watch", "raw_tp/sys_enter", "raw_tracepoint")
#define GUARD PROGRAM("guard", "xdp", "xdp")

#define MANIFEST(name, version)                                                                                        \
	"{'schema':1,'name':'" name "','version':'" version "','summary':'A test','license':'GPL-2.0-only',"           \
	"'build':{'sources':['a.bpf.c']}"
#define TABLE(version) MANIFEST("flow-table", version) ",'maps':{'exports':{'flows':{'access':'write'}}}}"
#define COUNT(version, programs)                                                                                       \
	MANIFEST("flow-count", version)                                                                                \
	",'dependencies':{'flow-table':'^1.0'},'params':{'iface':{'type':'interface','required':true}},"               \
	"'maps':{'imports':{'flows':{'from':'flow-table','access':'write'}}},'programs':{" programs "}}"
#define AT_IFACE(program) "'" program "':{'target':'$iface'}"
#define OBJECT(programs, maps) "{'license':'GPL','programs':[" programs "],'maps':[" maps "]}"

static const struct {
	const char *manifest, *object;
} modules[] = {
	{TABLE("1.0.0"), OBJECT("", FLOWS)},
	{COUNT("1.0.0", AT_IFACE("count_in") "," AT_IFACE("count_out") ",'watch':{'optional':true}"),
	 OBJECT(COUNT_IN "," COUNT_OUT "," WATCH, FLOWS)},
	{COUNT("1.1.0", AT_IFACE("count_in") "," AT_IFACE("count_out") "," AT_IFACE("guard")),
	 OBJECT(COUNT_IN "," COUNT_OUT "," GUARD, FLOWS)},
	{TABLE("1.1.0"), OBJECT("", FLOWS)},
};

static const struct {
	int table, count;   /* in `modules`, -1: none */
	const char *params; /* NULL: no instances */
} states[] = {
	[HOST_FRESH] = {-1, -1, NULL},
	[HOST_INSTALLED] = {0, 1, "{'iface':'eth0'}"},
	[HOST_UPGRADED] = {0, 2, "{'iface':'eth0'}"},
	[HOST_MOVED] = {0, 1, "{'iface':'eth1'}"},
	[HOST_PROVIDER] = {3, 1, "{'iface':'eth0'}"},
	[HOST_RENEWED] = {0, 1, "{'iface':'eth0'}"},
	[HOST_IDLE] = {0, 1, NULL},
	[HOST_REMOVED] = {-1, -1, NULL},
};

static void free_generation(struct iov_generation **generation)
{
	iov_generation_free(*generation);
}

static void free_plan(struct iov_plan **plan)
{
	iov_plan_free(*plan);
}

static void free_engine(struct iov_engine **engine)
{
	iov_engine_free(*engine);
}

static struct iov_generation *current(struct iov_ctx *ctx)
{
	struct iov_generation *generation = NULL;
	unit_ok(ctx, iov_generation_current(ctx, &generation));
	return generation;
}

static struct iov_generation *make(struct iov_ctx *ctx, uint64_t number, enum host_state state)
{
	struct iov_generation *to = calloc(1, sizeof(*to));
	ck_assert_ptr_nonnull(to);
	to->number = number;
	const int which[] = {states[state].table, states[state].count};
	for (size_t i = 0; i < IOV_COUNT(which); i++)
		if (which[i] >= 0)
			unit_put_release(ctx, to,
					 unit_release(ctx, modules[which[i]].manifest, modules[which[i]].object));
	if (states[state].params) {
		unit_put_instance(ctx, to, "flow-table", "flow-table", "{}", "{}");
		unit_put_instance(ctx, to, "flow-count", "flow-count", states[state].params, "{'flows':'flow-table'}");
	}
	for (size_t i = 0; state == HOST_RENEWED && i < to->n_instances; i++)
		to->instances[i].renewed = number;
	return to;
}

int host_go(struct iov_ctx *ctx, struct iov_engine *engine, enum host_state state)
{
	iov_auto(free_generation) struct iov_generation *from = current(ctx);
	iov_auto(free_generation) struct iov_generation *to = make(ctx, from->number + 1, state);
	iov_auto(free_plan) struct iov_plan *plan = NULL;
	unit_ok(ctx, iov_plan_make(ctx, from, to, &plan));
	return iov_transaction_run(ctx, engine, plan);
}

void host_reach(struct iov_ctx *ctx, enum host_state state)
{
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	unit_ok(ctx, iov_engine_recording_new(ctx, &engine));
	if (state != HOST_FRESH)
		unit_ok(ctx, host_go(ctx, engine, state));
}

int host_recover(struct iov_ctx *ctx)
{
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	unit_ok(ctx, iov_engine_recording_new(ctx, &engine));
	return iov_transaction_recover(ctx, engine);
}

uint64_t host_number(struct iov_ctx *ctx)
{
	uint64_t number = 0;
	unit_ok(ctx, iov_generation_current_number(ctx, &number));
	return number;
}

uint32_t host_shared_map(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *pin = iov_path(ctx, IOV_PINS "/live/flow-table/maps/flows");
	uint32_t id = 0;
	unit_ok(ctx, iov_pretend_pinned_id(ctx, pin, &id));
	return id;
}

static void check_disk(struct iov_ctx *ctx, uint64_t number)
{
	struct iov_journal journal;
	bool present = true;
	uint64_t newest = 0;
	unit_ok(ctx, iov_journal_read(ctx, &journal, &present));
	ck_assert_msg(!present, "the journal is left over");
	unit_ok(ctx, iov_generation_newest_number(ctx, &newest));
	ck_assert_uint_le(newest, number);
}

static void check_trees(struct iov_ctx *ctx, const struct iov_generation *generation)
{
	char **names = NULL;
	size_t count = 0;
	ck_assert_msg(!iov_tree_exists(ctx, IOV_TREE_STAGING), "staging is left over");
	unit_ok(ctx, iov_tree_instances(ctx, IOV_TREE_LIVE, &names, &count));
	ck_assert_uint_eq(count, generation->n_instances);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(iov_generation_instance(generation, names[i]));
	iov_fs_names_free(names, count);
	ck_assert(!count || iov_tree_holds(ctx, IOV_TREE_LIVE, generation->number));
}

/* Gives whether the site runs; it must run the program of the release that the generation names, with the map of the
 * provider. */
static bool check_site(struct iov_engine *engine, const struct iov_instance_change *change,
		       const struct iov_site_change *what)
{
	struct iov_ctx *ctx = engine->ctx;
	const struct iov_site site = {change->after->name, what->program, what->section, what->target};
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(ctx, IOV_TREE_LIVE, site.instance);
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(dir, "progs", site.program);
	iov_auto(iov_json_release) json_t *program = NULL;
	struct iov_running running;
	unit_ok(ctx, engine->ops->describe_program(engine, pin, &program));
	ck_assert_str_eq(json_string_value(json_object_get(program, "release")),
			 change->new->release->manifest->version.text);
	json_int_t flows = json_integer_value(json_object_get(json_object_get(program, "maps"), "flows"));
	ck_assert_int_eq(flows, host_shared_map(ctx));
	unit_ok(ctx, engine->ops->running(engine, &site, dir, &running));
	if (running.prog_id)
		ck_assert_int_eq(running.prog_id, json_integer_value(json_object_get(program, "id")));
	return running.prog_id;
}

static void check_kernel(struct iov_ctx *ctx, const struct iov_generation *generation, size_t n_down)
{
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(free_plan) struct iov_plan *plan = NULL;
	iov_auto(iov_json_release) json_t *kernel = NULL;
	const struct iov_generation nothing = {0};
	size_t up = 0, sites = 0;
	unit_ok(ctx, iov_engine_recording_new(ctx, &engine));
	unit_ok(ctx, iov_plan_make(ctx, &nothing, generation, &plan));
	for (size_t i = 0; i < plan->n_instances; i++)
		for (size_t s = 0; s < plan->instances[i].n_sites; s++, sites++)
			up += check_site(engine, &plan->instances[i], &plan->instances[i].sites[s]);
	ck_assert_uint_eq(sites - up, n_down);
	unit_ok(ctx, iov_pretend_read(ctx, &kernel));
	ck_assert_uint_eq(json_array_size(json_object_get(kernel, "attached")), up);
}

void host_check_state(struct iov_ctx *ctx, const struct iov_generation *generation)
{
	ck_assert(!iov_transaction_pending(ctx));
	check_disk(ctx, generation->number);
	check_trees(ctx, generation);
}

void host_check(struct iov_ctx *ctx, size_t n_down)
{
	iov_auto(free_generation) struct iov_generation *generation = current(ctx);
	host_check_state(ctx, generation);
	check_kernel(ctx, generation, n_down);
}

static enum host_end end_of(pid_t child)
{
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		return HOST_KILLED;
	}
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= HOST_FAILED);
	return (enum host_end)WEXITSTATUS(status);
}

enum host_end host_meet(struct iov_ctx *ctx, int (*act)(struct iov_ctx *ctx, int state), int state, const char *kind,
			unsigned point)
{
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child)
		return end_of(child);
	char fault[32];
	snprintf(fault, sizeof(fault), "%s%u", kind, point);
	setenv("IOVPKG_FAULT", fault, 1);
	if (!act(ctx, state))
		_exit(HOST_SURVIVED);
	_exit(strstr(iov_error_text(ctx), "fault point") ? HOST_FAILED : HOST_KILLED);
}
