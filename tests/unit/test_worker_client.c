/* Workers that were taken over, or are broken: shell scripts in the place of the real one. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/release.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/client.h"
#include "worker/worker.h"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
	free(ctx->worker);
	ctx->worker = iov_path(ctx, "/worker");
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

/* The worker is a script that does this; its socket is 3. */
static void worker_does(const char *commands)
{
	iov_auto(iov_buf_release) struct iov_buf script = {0};
	iov_buf_printf(&script, "#!/bin/sh\n%s\n", commands);
	ck_assert_int_eq(iov_fs_replace(ctx->worker, script.data, script.len, 0755), 0);
	ck_assert_int_eq(chmod(ctx->worker, 0755), 0);
}

static int run(unsigned seconds, uint64_t bytes)
{
	const struct iov_worker_job job = {"trying", "it", seconds, bytes, IOV_E_NETWORK};
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, &job, json_pack("{s:s}", "job", "any"), -1, &worker);
	rc = rc ? rc : iov_worker_end_input(ctx, &worker);
	while (!rc && !(rc = iov_worker_next(ctx, &worker)) && worker.frame.type != IOV_FRAME_END)
		;
	return rc;
}

START_TEST(success_is_an_end_frame)
{
	worker_does("printf '\\0\\0\\0\\0\\4' >&3");
	unit_ok(ctx, run(10, 0));
}
END_TEST

START_TEST(death_is_told)
{
	worker_does("exit 7");
	unit_fails(ctx, run(10, 0), IOV_E_INTERNAL, "trying 'it': the helper program '");
	unit_fails(ctx, run(10, 0), IOV_E_INTERNAL, "ended with status 7 and without an answer");
	worker_does("exit 127");
	unit_fails(ctx, run(10, 0), IOV_E_INTERNAL, "cannot start; install iovpkg and its libraries again");
	worker_does("kill -11 $$");
	unit_fails(ctx, run(10, 0), IOV_E_INTERNAL, "was killed by signal 11 (Segmentation fault)");
}
END_TEST

START_TEST(silence_is_cut_off)
{
	int64_t start = iov_frame_now();
	worker_does("exec sleep 100");
	unit_fails(ctx, run(1, 0), IOV_E_NETWORK, "trying 'it' took longer than the 1 seconds allowed");
	ck_assert_int_lt(iov_frame_now() - start, 30000);
}
END_TEST

/* Drips of progress are no excuse. */
START_TEST(the_time_is_a_total)
{
	worker_does("while sleep 0.1; do printf '\\20\\0\\0\\0\\0061234567812345678' >&3; done");
	unit_fails(ctx, run(1, 0), IOV_E_NETWORK, "took longer");
}
END_TEST

START_TEST(floods_are_cut_off)
{
	worker_does("while :; do printf '\\4\\0\\0\\0\\3abcd' >&3; done");
	unit_fails(ctx, run(10, 1001), IOV_E_UNTRUSTED, "more than the 1001 bytes allowed came back");
}
END_TEST

START_TEST(nonsense_is_told)
{
	static const char *const answers[] = {
		"hello, I am not a worker", /* no header */
		"\\0\\0\\0\\0\\3",	    /* data without bytes */
		"\\2\\0\\0\\0\\5\\0x",	    /* an error that is none */
		"\\2\\0\\0\\0\\5\\200x",    /* an error without a code */
		"\\1\\0\\0\\0\\5\\1",	    /* an error without a text */
		"\\1\\0\\0\\0\\6x",	    /* short progress */
		"\\2\\0\\0\\0\\1{}",	    /* a request back */
	};
	iov_auto(iov_buf_release) struct iov_buf commands = {0};
	iov_buf_printf(&commands, "printf '%s' >&3; exec sleep 100", answers[_i]);
	worker_does(commands.data);
	unit_fails(ctx, run(10, 100), IOV_E_INTERNAL, "does not speak this version's protocol; reinstall iovpkg");
}
END_TEST

START_TEST(errors_cannot_drive_a_terminal)
{
	worker_does("printf '\\23\\0\\0\\0\\5\\13a\\033[31m\\302\\233b\\nc\\177d\\303\\244xyz' >&3");
	unit_fails(ctx, run(10, 0), IOV_E_NETWORK, "a [31m  b c d\xc3\xa4xyz");
}
END_TEST

START_TEST(sees_no_environment_and_no_files)
{
	iov_auto(iov_close_fd) int secret = fcntl(0, F_DUPFD, 50); /* not closed on exec */
	iov_auto(iov_free_ptr) char *list = iov_path(ctx, "/seen");
	iov_auto(iov_buf_release) struct iov_buf commands = {0}, seen = {0};
	setenv("IOV_SECRET", "token", 1);
	iov_buf_printf(&commands, "{ env | cut -d= -f1; cd /proc/$$/fd; echo *; } >'%s'; printf '\\0\\0\\0\\0\\4' >&3",
		       list);
	worker_does(commands.data);
	unit_ok(ctx, run(10, 0));
	ck_assert_int_eq(iov_fs_read(list, 4096, &seen), 0);
	ck_assert_ptr_null(strstr(seen.data, "IOV_SECRET"));
	ck_assert_ptr_nonnull(strstr(seen.data, "LC_ALL"));
	ck_assert_int_eq(secret, 50);
	ck_assert_ptr_null(strstr(seen.data, "50"));
}
END_TEST

static int ignore(struct iov_ctx *context, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	(void)context;
	(void)path;
	(void)size;
	(void)data;
	(void)len;
	(void)cookie;
	return IOV_OK;
}

/* What a taken-over worker might send as files: over the limits, out of order, with names that lead outside, more bytes
 * than said. */
START_TEST(unpacked_files_are_checked_again)
{
	static const char *const answers[] = {
		"\\13\\0\\0\\0\\2\\1\\0\\0\\0\\0\\0\\0\\0../",					      /* ".." */
		"\\12\\0\\0\\0\\2\\1\\0\\0\\0\\0\\0\\0\\0/a",					      /* absolute */
		"\\11\\0\\0\\0\\2\\1\\1\\0\\0\\0\\0\\0\\0a",					      /* too large */
		"\\11\\0\\0\\0\\2\\377\\377\\377\\377\\377\\377\\377\\377a",			      /* no size */
		"\\11\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\0a\\11\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\0a", /* twice */
		"\\11\\0\\0\\0\\2\\1\\0\\0\\0\\0\\0\\0\\0a\\2\\0\\0\\0\\3xy",		    /* a byte too many */
		"\\11\\0\\0\\0\\2\\2\\0\\0\\0\\0\\0\\0\\0a\\1\\0\\0\\0\\3x\\0\\0\\0\\0\\4", /* a byte too few */
		"\\1\\0\\0\\0\\3x",							    /* bytes of no file */
	};
	const struct iov_unpack_limits limits = {.unpacked = 256, .files = 2};
	iov_auto(iov_buf_release) struct iov_buf commands = {0};
	iov_buf_printf(&commands, "printf '%s' >&3; exec sleep 100", answers[_i]);
	worker_does(commands.data);
	unit_fails(ctx, iov_archive_unpack(ctx, 0, &limits, ignore, NULL), IOV_E_INTERNAL,
		   "does not speak this version's protocol");
}
END_TEST

START_TEST(commit_ids_are_checked)
{
	char commit[41];
	worker_does("printf '\\50\\0\\0\\0\\4ABCDEFabcdef01234567890123456789012345678' >&3");
	unit_fails(ctx, iov_git_resolve(ctx, "/r", "refs/heads/main", commit), IOV_E_INTERNAL, "does not speak");
	worker_does("printf '\\1\\0\\0\\0\\4a' >&3");
	unit_fails(ctx, iov_git_resolve(ctx, "/r", "refs/heads/main", commit), IOV_E_INTERNAL, "does not speak");
}
END_TEST

Suite *suite_worker_client(void);
Suite *suite_worker_client(void)
{
	Suite *suite = suite_create("worker_client");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, success_is_an_end_frame);
	tcase_add_test(tests, death_is_told);
	tcase_add_test(tests, silence_is_cut_off);
	tcase_add_test(tests, the_time_is_a_total);
	tcase_add_test(tests, floods_are_cut_off);
	tcase_add_loop_test(tests, nonsense_is_told, 0, 7);
	tcase_add_test(tests, errors_cannot_drive_a_terminal);
	tcase_add_test(tests, sees_no_environment_and_no_files);
	tcase_add_loop_test(tests, unpacked_files_are_checked_again, 0, 8);
	tcase_add_test(tests, commit_ids_are_checked);
	suite_add_tcase(suite, tests);
	return suite;
}
