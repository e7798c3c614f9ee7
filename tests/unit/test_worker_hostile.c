/* A git server that is slow, or that says too much, and what that costs this host. (What it says wrongly is in
 * tests/command/attacks-git.sh.) */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

#define MAIN "refs/heads/main"
#define PYTHON "/usr/bin/python3"

static struct iov_ctx *ctx;
static char *repo, *copy, *mode;
static const char *last; /* what the server was told to be */
static pid_t server;
static unsigned http, plain; /* ports */

static void set_up(void)
{
	const struct iov_git_file file = {"head.note", "x", 1};
	char commit[41];
	ctx = unit_ctx();
	repo = iov_path(ctx, "/registry.git");
	copy = iov_path(ctx, "/clone");
	mode = iov_path(ctx, "/mode");
	unit_ok(ctx, iov_git_init(ctx, repo));
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, &file, 1, "m", 0, commit));
}

static void tear_down(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
	free(repo);
	free(copy);
	free(mode);
	unit_ctx_free(ctx);
}

static void be(const char *what)
{
	last = what;
	ck_assert_int_eq(iov_fs_replace(mode, what, strlen(what), 0644), 0);
}

/* Starts it and reads its ports. */
static void start(const char *what)
{
	int ends[2];
	iov_auto(iov_free_ptr) char *log = iov_path(ctx, "/log");
	char *argv[] = {(char *)PYTHON, (char *)unit_data("lib/hostile-git.py"), repo, mode, log, NULL};
	posix_spawn_file_actions_t actions;
	be(what);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	ck_assert_int_eq(posix_spawn(&server, PYTHON, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	FILE *said = fdopen(ends[0], "r");
	ck_assert_int_eq(fscanf(said, "%u %u", &http, &plain), 2);
	fclose(said);
}

static int fetch(const char *scheme, unsigned port)
{
	ctx->patience = strcmp(last, "ok") ? 100 : 0;
	char url[80], commit[41];
	snprintf(url, sizeof(url), "%s://127.0.0.1:%u/registry.git", scheme, port);
	return iov_git_fetch(ctx, copy, url, MAIN, commit);
}

static void refused_over_http(const char *what, enum iov_code code, const char *words)
{
	be(what);
	unit_fails(ctx, fetch("http", http), code, words);
}

static void refused(const char *what, enum iov_code code, const char *words)
{
	refused_over_http(what, code, words);
	unit_fails(ctx, fetch("git", plain), code, words);
}

START_TEST(slow_servers_are_given_up)
{
	time_t begin = time(NULL);
	start("ok");
	unit_ok(ctx, fetch("http", http));
	unit_ok(ctx, fetch("git", plain));
	refused("refs-silent", IOV_E_NETWORK, "is too slow");
	refused("refs-drip", IOV_E_NETWORK, "(slow drip attack, or a slow network)");
	refused_over_http("v2-silent", IOV_E_NETWORK, "is too slow");
	refused_over_http("v2-drip", IOV_E_NETWORK, "(slow drip attack, or a slow network)");
	refused("pack-silent", IOV_E_NETWORK, "less than 16 KiB in 0.1 seconds");
	refused("pack-drip", IOV_E_NETWORK, "(slow drip attack, or a slow network)");
	be("ok");
	unit_ok(ctx, fetch("http", http));
	ck_assert_int_lt(time(NULL) - begin, 60);
}
END_TEST

START_TEST(packs_that_were_left_are_swept)
{
	iov_auto(iov_free_ptr) char *old = iov_path(ctx, "/clone/objects/pack/pack_git2_old");
	iov_auto(iov_free_ptr) char *fresh = iov_path(ctx, "/clone/objects/pack/pack_git2_new");
	const struct timeval times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	start("ok");
	unit_ok(ctx, fetch("http", http));
	ck_assert_int_eq(iov_fs_replace(old, "x", 1, 0644), 0);
	ck_assert_int_eq(iov_fs_replace(fresh, "x", 1, 0644), 0);
	ck_assert_int_eq(utimes(old, times), 0);
	unit_ok(ctx, fetch("http", http));
	ck_assert(!iov_fs_exists(old));
	ck_assert(iov_fs_exists(fresh));
}
END_TEST

Suite *suite_worker_hostile(void);
Suite *suite_worker_hostile(void)
{
	Suite *suite = suite_create("worker_hostile");
	TCase *tests = tcase_create("git");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	if (access(PYTHON, X_OK))
		return suite;
	tcase_add_test(tests, slow_servers_are_given_up);
	tcase_add_test(tests, packs_that_were_left_are_swept);
	return suite;
}
