#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/lock.h"
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

/* A process that holds the lock until it is killed, or for some milliseconds. */
static pid_t hold(unsigned for_ms)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = -1;
		if (iov_lock_take(ctx, &fd) || write(ready[1], "x", 1) != 1)
			_exit(1);
		if (for_ms)
			usleep(for_ms * 1000);
		else
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

START_TEST(is_free_again_when_closed)
{
	int fd = -1;
	unit_ok(ctx, iov_lock_take(ctx, &fd));
	ck_assert_int_ge(fd, 0);
	close(fd);
	unit_ok(ctx, iov_lock_take(ctx, &fd));
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
}
END_TEST

START_TEST(waits_for_the_other)
{
	int fd = -1;
	pid_t other = hold(300);
	unit_ok(ctx, iov_lock_take(ctx, &fd));
	close(fd);
	waitpid(other, NULL, 0);
}
END_TEST

START_TEST(ends_with_a_killed_holder)
{
	int fd = -1;
	pid_t other = hold(0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	unit_ok(ctx, iov_lock_take(ctx, &fd));
	close(fd);
}
END_TEST

START_TEST(gives_up_and_names_the_holder)
{
	int fd = -1;
	char words[64];
	pid_t other = hold(0);
	snprintf(words, sizeof(words), "another iovpkg (pid %d) is at work; try again", other);
	unit_fails(ctx, iov_lock_take(ctx, &fd), IOV_E_BUSY, words);
	ck_assert_int_eq(fd, -1);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}
END_TEST

Suite *suite_state_lock(void)
{
	Suite *suite = suite_create("state_lock");
	TCase *tests = tcase_create("lock");
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, is_free_again_when_closed);
	tcase_add_test(tests, waits_for_the_other);
	tcase_add_test(tests, ends_with_a_killed_holder);
	tcase_add_test(tests, gives_up_and_names_the_holder);
	suite_add_tcase(suite, tests);
	return suite;
}
