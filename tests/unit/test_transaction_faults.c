/* Kills or fails a transaction at each of its fault points, lets the next command recover, and looks at what is there.
 */
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "core/fault.h"
#include "transaction/transaction.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* Not there in a library built without fault points: then there is nothing to walk. */
#pragma weak iov_fault

#define POINTS_MAX 200 /* no transaction here has so many; a walk that does not end is a bug */

static const struct {
	enum host_state before, after;
} ways[] = {
	{HOST_FRESH, HOST_INSTALLED},	  {HOST_INSTALLED, HOST_UPGRADED}, {HOST_INSTALLED, HOST_REMOVED},
	{HOST_UPGRADED, HOST_INSTALLED},  {HOST_INSTALLED, HOST_MOVED},	   {HOST_INSTALLED, HOST_PROVIDER},
	{HOST_INSTALLED, HOST_INSTALLED}, {HOST_INSTALLED, HOST_RENEWED},  {HOST_FRESH, HOST_IDLE},
	{HOST_IDLE, HOST_INSTALLED},
};

static int transact(struct iov_ctx *ctx, int state)
{
	struct iov_engine *engine = NULL;
	int rc = iov_engine_recording_new(ctx, &engine);
	if (!rc)
		rc = host_go(ctx, engine, (enum host_state)state);
	iov_engine_free(engine);
	return rc;
}

static int recover(struct iov_ctx *ctx, int unused)
{
	(void)unused;
	return host_recover(ctx);
}

/* After recovery: exactly before or exactly after, and shared maps have outlived it. */
static void check_either(struct iov_ctx *ctx, uint64_t before, uint32_t shared_map)
{
	uint64_t number = host_number(ctx);
	ck_assert(number == before || number == before + 1);
	host_check(ctx, 0);
	if (shared_map && host_shared_map(ctx))
		ck_assert_uint_eq(host_shared_map(ctx), shared_map);
}

static bool kill_at(int way, unsigned point)
{
	struct iov_ctx *ctx = unit_ctx();
	host_reach(ctx, ways[way].before);
	uint64_t before = host_number(ctx);
	uint32_t shared_map = host_shared_map(ctx);
	enum host_end outcome = host_meet(ctx, transact, ways[way].after, "", point);
	unit_ok(ctx, host_recover(ctx));
	check_either(ctx, before, shared_map);
	if (outcome == HOST_SURVIVED)
		ck_assert_uint_eq(host_number(ctx), before + 1);
	unit_ok(ctx, host_recover(ctx)); /* once more changes nothing */
	check_either(ctx, before, shared_map);
	unit_ctx_free(ctx);
	return outcome == HOST_KILLED;
}

START_TEST(killed_at_every_point)
{
	unsigned point = 1;
	while (kill_at(_i, point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 3);
}
END_TEST

/* True as long as the failing point is before the commit. */
static bool fail_at(int way, unsigned point)
{
	struct iov_ctx *ctx = unit_ctx();
	host_reach(ctx, ways[way].before);
	uint64_t before = host_number(ctx);
	enum host_end outcome = host_meet(ctx, transact, ways[way].after, "fail:", point);
	if (outcome == HOST_SURVIVED)
		unit_ok(ctx, host_recover(ctx)); /* what the command warned of; nothing when it went through */
	ck_assert_uint_eq(host_number(ctx), outcome == HOST_SURVIVED ? before + 1 : before);
	host_check(ctx, 0);
	unit_ctx_free(ctx);
	return outcome == HOST_FAILED;
}

START_TEST(failed_at_every_point)
{
	unsigned point = 1;
	while (fail_at(_i, point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 3);
	for (unsigned after = 0; after < 12; after++)
		ck_assert(!fail_at(_i, point + after));
}
END_TEST

/* A recovery that is killed too, at each of its points, then one that is not. */
static bool kill_twice(int way, unsigned point, unsigned second)
{
	struct iov_ctx *ctx = unit_ctx();
	host_reach(ctx, ways[way].before);
	uint64_t before = host_number(ctx);
	uint32_t shared_map = host_shared_map(ctx);
	ck_assert_int_eq(host_meet(ctx, transact, ways[way].after, "", point), HOST_KILLED);
	enum host_end outcome = host_meet(ctx, recover, 0, "", second);
	unit_ok(ctx, host_recover(ctx));
	check_either(ctx, before, shared_map);
	unit_ctx_free(ctx);
	return outcome == HOST_KILLED;
}

/* Every third point of each recovery, from another one on for each crash: neighbours leave nearly the same. */
START_TEST(recovery_killed_at_many_points)
{
	for (unsigned point = 1; kill_at(_i, point); point++) {
		for (unsigned second = 1 + point % 3; kill_twice(_i, point, second); second += 3)
			ck_assert_uint_lt(second, POINTS_MAX);
	}
}
END_TEST

static void end_kernel(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *bpffs = iov_path(ctx, IOV_BPFFS);
	ck_assert_int_eq(iov_fs_rmtree(bpffs), 0);
}

/* A boot, and bringing up what is current is killed too; the next command does it whole. */
static bool kill_restore(unsigned point)
{
	struct iov_ctx *ctx = unit_ctx();
	host_reach(ctx, HOST_UPGRADED);
	end_kernel(ctx);
	ck_assert(iov_transaction_pending(ctx));
	enum host_end outcome = host_meet(ctx, recover, 0, "", point);
	unit_ok(ctx, host_recover(ctx));
	ck_assert_uint_eq(host_number(ctx), 1);
	host_check(ctx, 0);
	unit_ctx_free(ctx);
	return outcome == HOST_KILLED;
}

START_TEST(restore_killed_at_every_point)
{
	unsigned point = 1;
	while (kill_restore(point))
		ck_assert_uint_lt(point++, POINTS_MAX);
	ck_assert_uint_gt(point, 3);
}
END_TEST

/* Another kernel: the journal's boot id is not ours, and of pins and attachments nothing is left. */
static void power_cut(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	iov_auto(iov_json_release) json_t *journal = NULL;
	end_kernel(ctx);
	if (!iov_fs_exists(path))
		return;
	unit_ok(ctx, iov_json_read(ctx, path, 4096, &journal));
	ck_assert_int_eq(json_object_set_new(journal, "boot_id", json_string("00000000-0000-0000-0000-000000000000")),
			 0);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(journal);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
}

static bool cut_at(unsigned point)
{
	struct iov_ctx *ctx = unit_ctx();
	host_reach(ctx, HOST_INSTALLED);
	enum host_end outcome = host_meet(ctx, transact, HOST_UPGRADED, "", point);
	power_cut(ctx);
	unit_ok(ctx, host_recover(ctx));
	check_either(ctx, 1, 0);
	unit_ctx_free(ctx);
	return outcome == HOST_KILLED;
}

START_TEST(power_cut_at_every_point)
{
	unsigned point = 1;
	while (cut_at(point))
		ck_assert_uint_lt(point++, POINTS_MAX);
}
END_TEST

Suite *suite_transaction_faults(void)
{
	Suite *suite = suite_create("core/faults");
	TCase *walk = tcase_create("walk");
	tcase_set_timeout(walk, 300);
	suite_add_tcase(suite, walk);
	if (!iov_fault) {
		fprintf(stderr, "# SKIP core/faults: needs configure --enable-fault-points\n");
		return suite;
	}
	tcase_add_loop_test(walk, killed_at_every_point, 0, (int)IOV_COUNT(ways));
	tcase_add_loop_test(walk, failed_at_every_point, 0, (int)IOV_COUNT(ways));
	tcase_add_loop_test(walk, recovery_killed_at_many_points, 0, 3);
	tcase_add_test(walk, restore_killed_at_every_point);
	tcase_add_test(walk, power_cut_at_every_point);
	return suite;
}
