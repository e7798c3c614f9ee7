/*
 * The walk of test_transaction_faults.c on the live kernel: two modules, one of which imports the other's map, behind a
 * tcx link, an XDP link and an entry program. After each kill and recovery, the kernel is asked for its programs, links
 * and who counts the frames.
 */
#include <bpf/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/check.h"
#include "engine/pins.h"
#include "hosts.h"
#include "live.h"
#include "plan/make.h"
#include "state/generations.h"
#include "core/fault.h"
#include "transaction/transaction.h"
#include "transaction/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/process.h"

/* Not there in a library built without fault points: then there is nothing to walk. */
#pragma weak iov_fault

#define POINTS_MAX 200
#define FRAMES 20
#define PREFIX "iovtx_" /* of the programs in tests/objects/transaction_*.bpf.c */
#define PATIENCE 300	/* times 10 ms; the kernel drops programs and links some time after their last pin */
#define OBJECT_MAX (1u << 20)

#define MANIFEST(name, version)                                                                                        \
	"{'schema':1,'name':'" name "','version':'" version "','summary':'A test','license':'GPL-2.0-only',"           \
	"'build':{'sources':['a.bpf.c']}"
#define COUNT(version, more)                                                                                           \
	MANIFEST("tx-count", version)                                                                                  \
	",'dependencies':{'tx-table':'^1.0'},'maps':{'imports':{'hits':{'from':'tx-table','access':'write'}}},"        \
	"'programs':{'iovtx_in':{'target':'iovb'}" more "}}"

enum state { STATE_FRESH, STATE_ONE, STATE_TWO, STATE_GONE };

static const struct {
	const char *manifest, *object;
	size_t programs, links; /* of ours in the kernel; the entry's own link is not ours by name */
	uint32_t counts;	/* the key under which frames are counted */
} states[] = {
	[STATE_FRESH] = {0},
	[STATE_ONE] = {COUNT("1.0.0", ""), "transaction_one", 2, 1, 1},
	[STATE_TWO] = {COUNT("2.0.0", ",'iovtx_guard':{'target':'iovb'}"), "transaction_two", 3, 2, 2},
	[STATE_GONE] = {0},
};

static const struct {
	enum state before, after;
} ways[] = {{STATE_FRESH, STATE_ONE}, {STATE_ONE, STATE_TWO}, {STATE_TWO, STATE_ONE}, {STATE_TWO, STATE_GONE}};

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

static void free_object(struct iov_object **object)
{
	iov_object_free(*object);
}

static void put(struct iov_ctx *ctx, struct iov_generation *generation, const char *manifest, const char *name)
{
	iov_auto(free_object) struct iov_object *object = NULL;
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	unit_ok(ctx, iov_check_object(ctx, live_object(name), &object));
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(object->json);
	ck_assert_ptr_nonnull(text);
	struct iov_release *release = unit_release(ctx, manifest, text);
	iov_auto(iov_free_ptr) char *path = unit_object_path(ctx, release);
	ck_assert_int_eq(iov_fs_read(live_object(name), OBJECT_MAX, &bytes), 0);
	ck_assert_int_eq(iov_fs_replace(path, bytes.data, bytes.len, 0644), 0);
	unit_put_release(ctx, generation, release);
}

static struct iov_generation *make(struct iov_ctx *ctx, uint64_t number, enum state state)
{
	struct iov_generation *to = calloc(1, sizeof(*to));
	ck_assert_ptr_nonnull(to);
	to->number = number;
	if (!states[state].manifest)
		return to;
	put(ctx, to, MANIFEST("tx-table", "1.0.0") ",'maps':{'exports':{'hits':{'access':'write'}}}}",
	    "transaction_table");
	put(ctx, to, states[state].manifest, states[state].object);
	unit_put_instance(ctx, to, "tx-table", "tx-table", "{}", "{}");
	unit_put_instance(ctx, to, "tx-count", "tx-count", "{}", "{'hits':'tx-table'}");
	return to;
}

static int go(struct iov_ctx *ctx, int state)
{
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(free_generation) struct iov_generation *from = NULL;
	iov_auto(free_generation) struct iov_generation *to = NULL;
	iov_auto(free_plan) struct iov_plan *plan = NULL;
	unit_ok(ctx, iov_engine_kernel_new(ctx, &engine));
	unit_ok(ctx, iov_generation_current(ctx, &from));
	to = make(ctx, from->number + 1, (enum state)state);
	unit_ok(ctx, iov_plan_make(ctx, from, to, &plan));
	return iov_transaction_run(ctx, engine, plan);
}

static int recover(struct iov_ctx *ctx, int unused)
{
	(void)unused;
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	unit_ok(ctx, iov_engine_kernel_new(ctx, &engine));
	return iov_transaction_recover(ctx, engine);
}

static bool is_ours(uint32_t prog_id)
{
	iov_auto(iov_close_fd) int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	return fd >= 0 && !bpf_prog_get_info_by_fd(fd, &info, &len) && !strncmp(info.name, PREFIX, strlen(PREFIX));
}

static bool is_link_of_ours(uint32_t link_id)
{
	iov_auto(iov_close_fd) int fd = bpf_link_get_fd_by_id(link_id);
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	return fd >= 0 && !bpf_link_get_info_by_fd(fd, &info, &len) && is_ours(info.prog_id);
}

static size_t count(int (*next)(uint32_t start, uint32_t *ret), bool (*counts)(uint32_t id))
{
	size_t found = 0;
	for (uint32_t id = 0; !next(id, &id);)
		found += counts(id);
	return found;
}

static void expect(const char *what, int (*next)(uint32_t start, uint32_t *ret), bool (*counts)(uint32_t id),
		   size_t wanted)
{
	for (int i = 0; i < PATIENCE && count(next, counts) != wanted; i++)
		usleep(10000);
	size_t found = count(next, counts);
	ck_assert_msg(found == wanted, "the kernel has %zu %s of ours instead of %zu", found, what, wanted);
}

/* Frames counted under a key of the shared map, of those that are sent now. */
static uint64_t counted(struct iov_ctx *ctx, uint32_t key)
{
	iov_auto(iov_close_fd) int fd = -1;
	uint64_t before = 0, after = 0;
	unit_ok(ctx, iov_pins_open(ctx, live_dir(ctx, "live/tx-table/maps/hits"), &fd));
	ck_assert_int_ge(fd, 0);
	bpf_map_lookup_elem(fd, &key, &before);
	live_send(FRAMES);
	for (int i = 0; i < PATIENCE && after < before + FRAMES; i++) {
		usleep(1000);
		bpf_map_lookup_elem(fd, &key, &after);
	}
	return after - before;
}

static void check_sites(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_instance_change *change)
{
	for (size_t i = 0; i < change->n_sites; i++) {
		const struct iov_site site = {change->after->name, change->sites[i].program, change->sites[i].section,
					      change->sites[i].target};
		iov_auto(iov_free_ptr) char *dir = iov_tree_instance(ctx, IOV_TREE_LIVE, site.instance);
		struct iov_running running = {0};
		uint32_t pinned = 0;
		unit_ok(ctx, engine->ops->running(engine, &site, dir, &running));
		unit_ok(ctx, engine->ops->program_id(engine, dir, site.program, &pinned));
		ck_assert_uint_ne(pinned, 0);
		ck_assert_uint_eq(running.prog_id, pinned);
	}
}

/* A kernel without TCX holds a filter in the link's place. */
static size_t links_of(struct iov_ctx *ctx, enum state state)
{
	const struct iov_hook *hook = NULL;
	unit_ok(ctx, iov_hook_find(ctx, "tcx/ingress", &hook));
	return states[state].links && !strcmp(hook->name, "clsact") ? states[state].links - 1 : states[state].links;
}

static void check_host(struct iov_ctx *ctx, enum state state)
{
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(free_generation) struct iov_generation *current = NULL;
	iov_auto(free_plan) struct iov_plan *plan = NULL;
	const struct iov_generation nothing = {0};
	unit_ok(ctx, iov_engine_kernel_new(ctx, &engine));
	unit_ok(ctx, iov_generation_current(ctx, &current));
	host_check_state(ctx, current);
	unit_ok(ctx, iov_plan_make(ctx, &nothing, current, &plan));
	for (size_t i = 0; i < plan->n_instances; i++)
		check_sites(ctx, engine, &plan->instances[i]);
	expect("programs", bpf_prog_get_next_id, is_ours, states[state].programs);
	expect("links", bpf_link_get_next_id, is_link_of_ours, links_of(ctx, state));
	if (states[state].counts)
		ck_assert_uint_eq(counted(ctx, states[state].counts), FRAMES);
}

/* Runs `act` in a process that dies at a fault point; true when it did. */
static bool dies(struct iov_ctx *ctx, int (*act)(struct iov_ctx *ctx, int state), int state, unsigned point)
{
	int status = 0;
	char fault[16];
	snprintf(fault, sizeof(fault), "%u", point);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		setenv("IOVPKG_FAULT", fault, 1);
		_exit(act(ctx, state) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == EXIT_SUCCESS);
	return WIFSIGNALED(status);
}

static struct iov_ctx *host_at(enum state state)
{
	struct iov_ctx *ctx = live_ctx();
	if (state != STATE_FRESH)
		unit_ok(ctx, go(ctx, state));
	check_host(ctx, state);
	return ctx;
}

static void close_host(struct iov_ctx *ctx)
{
	unit_ok(ctx, go(ctx, STATE_GONE));
	expect("programs", bpf_prog_get_next_id, is_ours, 0);
	live_ctx_free(ctx);
}

static bool kill_at(int way, unsigned point)
{
	struct iov_ctx *ctx = host_at(ways[way].before);
	uint64_t before = host_number(ctx);
	bool killed = dies(ctx, go, ways[way].after, point);
	unit_ok(ctx, recover(ctx, 0));
	uint64_t number = host_number(ctx);
	ck_assert(number == before + 1 || (killed && number == before));
	check_host(ctx, number == before ? ways[way].before : ways[way].after);
	close_host(ctx);
	return killed;
}

START_TEST(killed_at_every_point)
{
	unsigned point = 1;
	if (!live_begin())
		return;
	live_veth();
	while (kill_at(_i, point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 10);
}
END_TEST

/* As a boot does: bpffs and the interfaces go, and with them all that they held. */
static void end_kernel(struct iov_ctx *ctx)
{
	const struct iov_process process = {.argv = (const char *const[]){"ip", "link", "del", "iova", NULL},
					    .timeout_ms = 10000};
	struct iov_process_result result = {0};
	ck_assert_int_eq(iov_process_run(&process, &result), 0);
	ck_assert_int_eq(result.status, 0);
	iov_process_result_release(&result);
	unit_ok(ctx, iov_pins_remove(ctx, live_dir(ctx, "live")));
	expect("programs", bpf_prog_get_next_id, is_ours, 0);
	live_veth();
}

/* Bringing up is killed at each point. */
static bool kill_restore(unsigned point)
{
	struct iov_ctx *ctx = host_at(STATE_TWO);
	end_kernel(ctx);
	ck_assert(iov_transaction_pending(ctx));
	bool killed = dies(ctx, recover, 0, point);
	unit_ok(ctx, recover(ctx, 0));
	check_host(ctx, STATE_TWO);
	close_host(ctx);
	return killed;
}

START_TEST(restore_killed_at_every_point)
{
	unsigned point = 1;
	if (!live_begin())
		return;
	live_veth();
	while (kill_restore(point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 10);
}
END_TEST

Suite *suite_transaction_live(void)
{
	Suite *suite = suite_create("transaction/live");
	TCase *walk = tcase_create("walk");
	tcase_set_timeout(walk, 300);
	suite_add_tcase(suite, walk);
	if (!iov_fault || access(live_object("transaction_two"), R_OK)) {
		fprintf(stderr, "# SKIP transaction/live: needs configure --enable-fault-points, and clang\n");
		return suite;
	}
	tcase_add_loop_test(walk, killed_at_every_point, 0, (int)IOV_COUNT(ways));
	tcase_add_test(walk, restore_killed_at_every_point);
	return suite;
}
