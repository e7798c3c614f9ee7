/* What a transaction does when all goes well, and what it says and leaves when not; with the recording engine. */
#include <string.h>

#include "hosts.h"
#include "state/journal.h"
#include "transaction/own.h"
#include "transaction/transaction.h"
#include "transaction/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct host {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct iov_buf warnings;
};

static void note(const struct iov_event *event, void *data)
{
	if (event->kind == IOV_EVENT_WARNING)
		iov_buf_printf(data, "%s\n", event->text);
}

static void begin(struct host *host, enum host_state state)
{
	*host = (struct host){.ctx = unit_ctx()};
	host->ctx->config.event = note;
	host->ctx->config.data = &host->warnings;
	host_reach(host->ctx, state);
	unit_ok(host->ctx, iov_engine_recording_new(host->ctx, &host->engine));
}

static void end(struct host *host)
{
	iov_engine_free(host->engine);
	iov_buf_release(&host->warnings);
	unit_ctx_free(host->ctx);
}

static void ck_warned(const struct host *host, const char *words)
{
	ck_assert_msg(host->warnings.data && strstr(host->warnings.data, words), "no warning says '%s'", words);
}

static void end_kernel(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *bpffs = iov_path(ctx, IOV_BPFFS);
	ck_assert_int_eq(iov_fs_rmtree(bpffs), 0);
}

/* The lines of `text` that stand in `calls` in this order. */
static void ck_order(const char *calls, const char *const *lines)
{
	for (; *lines; lines++) {
		const char *at = strstr(calls, *lines);
		ck_assert_msg(at != NULL, "'%s' does not come in time", *lines);
		calls = at + strlen(*lines);
	}
}

START_TEST(providers_come_first_and_go_last)
{
	struct host host;
	begin(&host, HOST_FRESH);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_INSTALLED));
	ck_order(iov_recording_calls(host.engine),
		 (const char *const[]){"load flow-table\n", "load flow-count\n", "arm flow-count/count_in eth0\n",
				       "store 1\n", "attach flow-count/count_out eth0\n", "exchange staging\n",
				       "swap flow-count/count_in eth0\n", "remove_tree staging\n", NULL});
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_REMOVED));
	ck_order(iov_recording_calls(host.engine),
		 (const char *const[]){"remove_tree staging\n", "exchange staging\n", "detach flow-count/",
				       "remove_tree staging\n", NULL});
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(upgrade_swaps_and_keeps)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED));
	ck_order(iov_recording_calls(host.engine),
		 (const char *const[]){"adopt flow-table\n", "load flow-count\n", "adopt_site flow-count/count_in",
				       "arm flow-count/count_in", "arm flow-count/watch", "store 2\n",
				       "swap flow-count/count_out", "exchange staging\n", "swap flow-count/count_in",
				       "detach flow-count/watch", NULL});
	ck_assert_ptr_null(strstr(iov_recording_calls(host.engine), "load flow-table"));
	ck_assert_ptr_null(strstr(iov_recording_calls(host.engine), "detach flow-count/count_in"));
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(moved_site_overlaps)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_MOVED));
	ck_order(iov_recording_calls(host.engine),
		 (const char *const[]){"arm flow-count/count_in eth1\n", "store 2\n", "exchange staging\n",
				       "detach flow-count/count_in eth0\n", NULL});
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(optional_site_may_be_missing)
{
	struct host host;
	begin(&host, HOST_FRESH);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "raw_tp/sys_enter", IOV_E_UNSUPPORTED));
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_INSTALLED));
	ck_warned(&host, "program 'watch' of 'flow-count' is not attached: ");
	host_check(host.ctx, 1);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "raw_tp/sys_enter", IOV_OK));
	unit_ok(host.ctx,
		host_go(host.ctx, host.engine, HOST_MOVED)); /* replaces the instance: attached where it was not */
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(required_site_must_be_there)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "eth1", IOV_E_NOT_FOUND));
	unit_fails(host.ctx, host_go(host.ctx, host.engine, HOST_MOVED), IOV_E_NOT_FOUND, "refuse 'eth1'");
	ck_assert_ptr_null(strstr(iov_recording_calls(host.engine), "load")); /* asked before anything is loaded */
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(taken_hook_is_undone)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "xdp", IOV_E_BUSY));
	unit_fails(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED), IOV_E_BUSY, "refuse 'xdp'");
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(vanished_interface_does_not_hold_a_module)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "eth0", IOV_E_NOT_FOUND));
	unit_fails(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED), IOV_E_NOT_FOUND, "refuse 'eth0'");
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 2);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_REMOVED));
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "eth0", IOV_OK));
	ck_assert_ptr_null(host.warnings.data);
	end(&host);
}
END_TEST

START_TEST(boot_brings_up_the_current_generation)
{
	struct host host;
	begin(&host, HOST_UPGRADED);
	end_kernel(host.ctx);
	ck_assert(iov_transaction_pending(host.ctx));
	unit_ok(host.ctx, iov_transaction_recover(host.ctx, host.engine));
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 0);
	ck_assert_ptr_null(host.warnings.data);
	end(&host);
}
END_TEST

START_TEST(boot_without_an_interface_brings_up_the_rest)
{
	struct host host;
	begin(&host, HOST_UPGRADED);
	end_kernel(host.ctx);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "eth0", IOV_E_NOT_FOUND));
	unit_ok(host.ctx, iov_transaction_recover(host.ctx, host.engine));
	ck_warned(&host, "program 'guard' of 'flow-count' is not attached: ");
	host_check(host.ctx, 3);
	end(&host);
}
END_TEST

START_TEST(boot_leaves_out_what_the_kernel_rejects)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	end_kernel(host.ctx);
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "flow-count", IOV_E_REJECTED));
	unit_ok(host.ctx, iov_transaction_recover(host.ctx, host.engine));
	ck_warned(&host, "instance 'flow-count' is left out: ");
	ck_assert(!iov_transaction_pending(host.ctx));
	ck_assert(!iov_tree_has(host.ctx, IOV_TREE_LIVE, "flow-count"));
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_PROVIDER));
	ck_warned(&host, "instance 'flow-count' does not run");
	unit_ok(host.ctx, iov_recording_refuse(host.engine, "flow-count", IOV_OK));
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED));
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(boot_that_cannot_read_is_tried_again)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	end_kernel(host.ctx);
	iov_recording_fail(host.engine, 5, 1);
	unit_fails(host.ctx, iov_transaction_recover(host.ctx, host.engine), IOV_E_IO, "fails call 5");
	ck_assert(iov_transaction_pending(host.ctx));
	unit_ok(host.ctx, iov_transaction_recover(host.ctx, host.engine));
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

/* Where pins outlive a boot (plain files, a copied root), they are of a kernel that is gone. */
START_TEST(pins_of_another_boot_are_dropped)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	iov_auto(iov_free_ptr) char *journal = iov_path(host.ctx, IOV_STATE "/journal");
	static const char other[] =
		"{\"boot_id\":\"00000000-0000-0000-0000-000000000000\",\"from\":1,\"schema\":1,\"to\":2}";
	iov_auto(iov_free_ptr) char *kernel = iov_path(host.ctx, IOV_BPFFS "/kernel");
	uint32_t before = host_shared_map(host.ctx);
	ck_assert_int_eq(unlink(kernel), 0);
	ck_assert_int_eq(iov_fs_replace(journal, other, strlen(other), 0644), 0);
	unit_ok(host.ctx, iov_tree_make(host.ctx, IOV_TREE_STAGING, 2));
	unit_ok(host.ctx, iov_transaction_recover(host.ctx, host.engine));
	ck_assert_uint_eq(before, host_shared_map(host.ctx)); /* the new kernel counts from 1 again */
	ck_assert_ptr_nonnull(strstr(iov_recording_calls(host.engine), "remove_tree live\n"));
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(stray_staging_is_removed)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	iov_auto(iov_free_ptr) char *stray = iov_tree_instance(host.ctx, IOV_TREE_STAGING, "flow-count");
	unit_ok(host.ctx, iov_tree_make(host.ctx, IOV_TREE_STAGING, 9));
	ck_assert_int_eq(iov_fs_mkdirs(stray, 0700), 0);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED));
	host_check(host.ctx, 0);
	ck_assert(!iov_tree_holds(host.ctx, IOV_TREE_LIVE, 9));
	end(&host);
}
END_TEST

/* From the Nth call on nothing works any more, the undo neither: the first error stands, and the journal keeps the rest
 * for the next command. */
static bool goes_through_with_calls(unsigned first)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	iov_recording_fail(host.engine, first, 100000);
	int rc = host_go(host.ctx, host.engine, HOST_UPGRADED);
	bool warned = host.warnings.data != NULL;
	if (rc) {
		char words[32];
		snprintf(words, sizeof(words), "fails call %u,", first);
		ck_assert_msg(strstr(iov_error_text(host.ctx), words), "'%s' is not the first",
			      iov_error_text(host.ctx));
		ck_assert_uint_eq(host_number(host.ctx), 1);
	}
	ck_assert(iov_transaction_pending(host.ctx) == warned);
	unit_ok(host.ctx, host_recover(host.ctx));
	ck_assert_uint_eq(host_number(host.ctx), rc ? 1 : 2);
	host_check(host.ctx, 0);
	end(&host);
	return !rc && !warned;
}

START_TEST(dead_engine_is_recovered_from)
{
	unsigned first = 1;
	while (!goes_through_with_calls(first))
		ck_assert_uint_lt(first++, 200);
	ck_assert_uint_gt(first, 10);
}
END_TEST

START_TEST(next_transaction_recovers_first)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	iov_recording_fail(host.engine, 9, 100000);
	ck_assert_int_eq(host_go(host.ctx, host.engine, HOST_UPGRADED), IOV_E_IO);
	ck_assert(iov_transaction_pending(host.ctx));
	iov_recording_fail(host.engine, 0, 0);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED));
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(host_without_instances_needs_no_kernel)
{
	struct host host;
	begin(&host, HOST_FRESH);
	iov_recording_fail(host.engine, 1, 100000);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_IDLE));
	ck_assert_str_eq(iov_recording_calls(host.engine), "");
	end_kernel(host.ctx);
	ck_assert(!iov_transaction_pending(host.ctx));
	end(&host);
}
END_TEST

START_TEST(journal_of_other_generations_is_refused)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	unit_ok(host.ctx, iov_journal_begin(host.ctx, 7, 8));
	unit_fails(host.ctx, iov_transaction_recover(host.ctx, host.engine), IOV_E_CONFLICT,
		   "leads from generation 7 to 8, but 1 is current");
	unit_ok(host.ctx, iov_journal_end(host.ctx));
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

START_TEST(trees_tell_marks_from_instances)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_free_ptr) char *instance = iov_tree_instance(ctx, IOV_TREE_STAGING, "generation-7");
	char **names = NULL;
	size_t count = 9;
	unit_ok(ctx, iov_tree_instances(ctx, IOV_TREE_STAGING, &names, &count));
	ck_assert_uint_eq(count, 0);
	unit_ok(ctx, iov_tree_make(ctx, IOV_TREE_STAGING, 7));
	unit_ok(ctx, iov_tree_make(ctx, IOV_TREE_STAGING, 7));
	ck_assert_int_eq(iov_fs_mkdirs(instance, 0700), 0);
	ck_assert(iov_tree_holds(ctx, IOV_TREE_STAGING, 7) && !iov_tree_holds(ctx, IOV_TREE_STAGING, 8));
	ck_assert(!iov_tree_exists(ctx, IOV_TREE_LIVE) && iov_tree_has(ctx, IOV_TREE_STAGING, "generation-7"));
	unit_ok(ctx, iov_tree_instances(ctx, IOV_TREE_STAGING, &names, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(names[0], "generation-7");
	iov_fs_names_free(names, count);
	unit_ctx_free(ctx);
}
END_TEST

static char *plant(struct iov_ctx *ctx, const char *relative)
{
	char *path = iov_path(ctx, IOV_PINS "/%s", relative);
	ck_assert_ptr_nonnull(path);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0700), 0);
	ck_assert_int_eq(iov_fs_replace(path, "{}", 2, 0600), 0);
	return path;
}

START_TEST(pins_of_others_outlive_a_transaction)
{
	static const char *const places[] = {"live/other", "live/other-folder/pin", "live/flow-count/other",
					     "live/flow-table/folder/pin"};
	struct host host;
	char *pins[IOV_COUNT(places)];
	begin(&host, HOST_INSTALLED);
	for (size_t i = 0; i < IOV_COUNT(places); i++)
		pins[i] = plant(host.ctx, places[i]);
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED));
	unit_ok(host.ctx, host_go(host.ctx, host.engine, HOST_REMOVED));
	for (size_t i = 0; i < IOV_COUNT(places); i++) {
		ck_assert_msg(iov_fs_exists(pins[i]), "'%s' has gone", pins[i]);
		free(pins[i]);
	}
	end(&host);
}
END_TEST

START_TEST(pins_are_told_apart_by_their_place)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	iov_auto(iov_free_ptr) char *ours = iov_path(host.ctx, IOV_PINS "/live/flow-count");
	iov_auto(iov_free_ptr) char *mark = iov_path(host.ctx, IOV_PINS "/live/generation_1");
	iov_auto(iov_free_ptr) char *pin = plant(host.ctx, "live/with-pin/pin");
	iov_auto(iov_free_ptr) char *deep = plant(host.ctx, "live/deep/maps/folder/pin");
	iov_auto(iov_free_ptr) char *folder = iov_path(host.ctx, IOV_PINS "/live/with-pin");
	iov_auto(iov_free_ptr) char *too_deep = iov_path(host.ctx, IOV_PINS "/live/deep");
	ck_assert(iov_own_is_instance(ours));
	ck_assert(!iov_own_is_instance(mark));
	ck_assert(!iov_own_is_instance(folder));
	ck_assert(!iov_own_is_instance(too_deep));
	ck_assert(iov_own_is_mark("generation_12"));
	ck_assert(!iov_own_is_mark("generation_"));
	ck_assert(!iov_own_is_mark("generation_1a"));
	end(&host);
}
END_TEST

static bool stops(void *data)
{
	(void)data;
	return true;
}

START_TEST(who_asks_for_a_stop_gets_the_old_host)
{
	struct host host;
	begin(&host, HOST_INSTALLED);
	host.ctx->config.stop = stops;
	unit_fails(host.ctx, host_go(host.ctx, host.engine, HOST_UPGRADED), IOV_E_STOPPED, "nothing was changed");
	ck_assert_uint_eq(host_number(host.ctx), 1);
	host_check(host.ctx, 0);
	end(&host);
}
END_TEST

Suite *suite_transaction_steps(void)
{
	const TTest *const tests[] = {
		providers_come_first_and_go_last,
		upgrade_swaps_and_keeps,
		moved_site_overlaps,
		optional_site_may_be_missing,
		required_site_must_be_there,
		taken_hook_is_undone,
		vanished_interface_does_not_hold_a_module,
		boot_brings_up_the_current_generation,
		boot_without_an_interface_brings_up_the_rest,
		boot_leaves_out_what_the_kernel_rejects,
		boot_that_cannot_read_is_tried_again,
		pins_of_another_boot_are_dropped,
		stray_staging_is_removed,
		dead_engine_is_recovered_from,
		next_transaction_recovers_first,
		host_without_instances_needs_no_kernel,
		journal_of_other_generations_is_refused,
		trees_tell_marks_from_instances,
		pins_of_others_outlive_a_transaction,
		pins_are_told_apart_by_their_place,
		who_asks_for_a_stop_gets_the_old_host,
	};
	Suite *suite = suite_create("transaction/steps");
	TCase *steps = tcase_create("steps");
	tcase_set_timeout(steps, 60);
	for (size_t i = 0; i < IOV_COUNT(tests); i++)
		tcase_add_test(steps, tests[i]);
	suite_add_tcase(suite, steps);
	return suite;
}
