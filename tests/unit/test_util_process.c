#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"
#include "util/cleanup.h"
#include "util/process.h"

#define OUTPUT_MAX 1000

static struct iov_process_result run(const char *script, struct iov_process process)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct iov_process_result result = {0};
	process.argv = argv;
	process.limit_output = OUTPUT_MAX;
	ck_assert_int_eq(iov_process_run(&process, &result), 0);
	return result;
}

START_TEST(captures_both_streams_and_the_status)
{
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("echo out; echo err >&2; exit 3", (struct iov_process){0});
	ck_assert_int_eq(result.status, 3);
	ck_assert(!result.timed_out);
	ck_assert_str_eq(result.out.data, "out\n");
	ck_assert_str_eq(result.err.data, "err\n");
}
END_TEST

START_TEST(reads_all_and_keeps_the_beginning)
{
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("printf start; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2", (struct iov_process){0});
	ck_assert_int_eq(result.status, 0);
	ck_assert_uint_eq(result.out.len, OUTPUT_MAX);
	ck_assert_uint_eq(result.err.len, OUTPUT_MAX);
	ck_assert_int_eq(strncmp(result.out.data, "start", 5), 0);
}
END_TEST

START_TEST(a_signal_is_128_and_its_number)
{
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("kill -TERM $$", (struct iov_process){0});
	ck_assert_int_eq(result.status, 128 + SIGTERM);
}
END_TEST

/* Also when it has closed both streams, so that nothing is left to read. */
START_TEST(time_is_limited)
{
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("echo begun; exec >&- 2>&-; sleep 60 & sleep 60", (struct iov_process){.timeout_ms = 300});
	ck_assert(result.timed_out);
	ck_assert_int_eq(result.status, 128 + SIGKILL);
	ck_assert_str_eq(result.out.data, "begun\n");
}
END_TEST

START_TEST(a_straggler_does_not_hold_us)
{
	time_t before = time(NULL);
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("sleep 60 & echo done", (struct iov_process){0});
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out.data, "done\n");
	ck_assert_int_lt(time(NULL) - before, 30);
}
END_TEST

START_TEST(limits_reach_the_child)
{
	const struct iov_process limits = {.limit_file = 1024, .limit_cpu_seconds = 7, .limit_memory = 512 << 20};
	iov_auto(iov_process_result_release) struct iov_process_result result =
		run("ulimit -f; ulimit -t; ulimit -v", limits);
	ck_assert_str_eq(result.out.data, "2\n7\n524288\n"); /* blocks of 512 bytes, seconds, KiB */
}
END_TEST

START_TEST(environment_and_folder)
{
	const char *const envp[] = {"PATH=/usr/bin:/bin", "GREETING=hello", NULL};
	setenv("SECRET", "x", 1);
	iov_auto(iov_process_result_release) struct iov_process_result minimal =
		run("echo \"$LC_ALL,$SECRET,\"; pwd; cat", (struct iov_process){.directory = "/"});
	ck_assert_str_eq(minimal.out.data, "C,,\n/\n"); /* and standard input is empty */
	iov_auto(iov_process_result_release) struct iov_process_result given =
		run("echo \"$GREETING,$SECRET\"", (struct iov_process){.envp = envp});
	ck_assert_str_eq(given.out.data, "hello,\n");
}
END_TEST

START_TEST(what_cannot_start)
{
	const char *const nobody[] = {"iovpkg-no-such-program", NULL};
	const char *const truth[] = {"true", NULL};
	struct iov_process_result result = {.status = 77};
	ck_assert_int_eq(iov_process_run(&(struct iov_process){.argv = nobody}, &result), -ENOENT);
	ck_assert_int_eq(iov_process_run(&(struct iov_process){.argv = truth, .directory = "/nowhere"}, &result),
			 -ENOENT);
	ck_assert_int_eq(result.status, 77);
}
END_TEST

Suite *suite_util_process(void)
{
	Suite *suite = suite_create("util_process");
	TCase *tests = tcase_create("process");
	tcase_set_timeout(tests, 40);
	tcase_add_test(tests, captures_both_streams_and_the_status);
	tcase_add_test(tests, reads_all_and_keeps_the_beginning);
	tcase_add_test(tests, a_signal_is_128_and_its_number);
	tcase_add_test(tests, time_is_limited);
	tcase_add_test(tests, a_straggler_does_not_hold_us);
	tcase_add_test(tests, limits_reach_the_child);
	tcase_add_test(tests, environment_and_folder);
	tcase_add_test(tests, what_cannot_start);
	suite_add_tcase(suite, tests);
	return suite;
}
