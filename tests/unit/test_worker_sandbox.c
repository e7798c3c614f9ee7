/* What a real worker has left of its rights, seen from outside while it waits for its input. */
#include "unit.h"

#include <linux/landlock.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/client.h"
#include "worker/worker.h"

#define MAIN "refs/heads/main"

static const struct iov_worker_job job = {"trying", "it", 60, 0, IOV_E_IO};

static struct iov_ctx *ctx;
static char *repo;

static void set_up(void)
{
	ctx = unit_ctx();
	ck_assert_int_eq(chmod(ctx->root, 0755), 0);
	repo = iov_path(ctx, "/registry.git");
	unit_ok(ctx, iov_git_init(ctx, repo));
}

static void tear_down(void)
{
	free(repo);
	unit_ctx_free(ctx);
}

/* The value of a line of /proc/PID/status. */
static void read_status(pid_t pid, const char *key, char value[64])
{
	char path[64], format[64];
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ck_assert_int_eq(iov_fs_read(path, 1 << 16, &text), 0);
	const char *line = strstr(text.data, key);
	ck_assert_ptr_nonnull(line);
	snprintf(format, sizeof(format), "%s:%%63s", key);
	ck_assert_int_eq(sscanf(line, format, value), 1);
}

static void assert_status(pid_t pid, const char *key, const char *want)
{
	char value[64];
	read_status(pid, key, value);
	ck_assert_msg(!strcmp(value, want), "%s is %s, not %s", key, value, want);
}

/* Until its last wall stands. */
static void wait_for_walls(const struct iov_worker *worker)
{
	char filter[64] = "0";
	for (int i = 0; i < 1000 && strcmp(filter, "2") != 0; i++) {
		usleep(10000);
		read_status(worker->pid, "Seccomp", filter);
	}
	ck_assert_str_eq(filter, "2");
	assert_status(worker->pid, "NoNewPrivs", "1");
}

static void start(json_t *request, int file, struct iov_worker *worker)
{
	unit_ok(ctx, iov_worker_start(ctx, &job, request, file, worker));
	wait_for_walls(worker);
}

static void start_commit(struct iov_worker *worker)
{
	start(json_pack("{s:s, s:s, s:s, s:s, s:i}", "job", "git-commit", "repo", repo, "ref", MAIN, "message", "m",
			"time", 1),
	      -1, worker);
}

/* The user id of this test, or the other one where it is root. */
static const char *id_or(const char *other)
{
	static char id[16];
	snprintf(id, sizeof(id), "%u", geteuid());
	return geteuid() == 0 ? other : id;
}

START_TEST(archive_jobs_are_nobody)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	start(json_pack("{s:s}", "job", "pack"), 1, &worker);
	assert_status(worker.pid, "Uid", id_or("65534"));
	assert_status(worker.pid, "CapEff", "0000000000000000");
	assert_status(worker.pid, "CapPrm", "0000000000000000");
	iov_auto(iov_buf_release) struct iov_buf limits = {0};
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/limits", worker.pid);
	ck_assert_int_eq(iov_fs_read(path, 1 << 16, &limits), 0);
	ck_assert_ptr_nonnull(strstr(limits.data, "Max file size             33554432             33554432"));
	ck_assert_ptr_nonnull(strstr(limits.data, "Max open files            8                    8"));
}
END_TEST

START_TEST(http_is_nobody_and_writes_no_file)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	iov_auto(iov_buf_release) struct iov_buf limits = {0};
	char path[64];
	unit_ok(ctx, iov_worker_start_http(ctx, &job,
					   json_pack("{s:s, s:s, s:i, s:i}", "job", "http", "etc", "/none", "window_ms",
						     1000, "rate", 1),
					   &worker));
	wait_for_walls(&worker);
	assert_status(worker.pid, "Uid", id_or("65534"));
	assert_status(worker.pid, "CapEff", "0000000000000000");
	assert_status(worker.pid, "CapPrm", "0000000000000000");
	snprintf(path, sizeof(path), "/proc/%d/limits", worker.pid);
	ck_assert_int_eq(iov_fs_read(path, 1 << 16, &limits), 0);
	ck_assert_ptr_nonnull(strstr(limits.data, "Max file size             0                    0"));
}
END_TEST

START_TEST(git_jobs_keep_one_capability)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	start_commit(&worker);
	assert_status(worker.pid, "Uid", id_or("0"));
	assert_status(worker.pid, "CapEff", geteuid() == 0 ? "0000000000000002" : "0000000000000000");
	if (geteuid() == 0)
		assert_status(worker.pid, "CapBnd", "0000000000000002");
}
END_TEST

START_TEST(git_jobs_are_the_owner_of_the_repository)
{
	struct iov_git_file file = {"f", "1", 1};
	iov_auto(iov_free_ptr) char *object = iov_path(ctx, "/registry.git/refs/heads/main");
	struct stat st;
	iov_auto(iov_buf_release) struct iov_buf command = {0};
	iov_buf_printf(&command, "chown -R 1234:1234 '%s'", repo);
	ck_assert_int_eq(system(command.data), 0);
	{
		iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
		start_commit(&worker);
		assert_status(worker.pid, "Uid", "1234");
		assert_status(worker.pid, "CapEff", "0000000000000000");
	}
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, &file, 1, "m", 1, NULL));
	ck_assert_int_eq(stat(object, &st), 0);
	ck_assert_int_eq(st.st_uid, 1234);
}
END_TEST

/* A server that takes the connection and says nothing. */
static int silent_server(char url[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(url, 64, "git://127.0.0.1:%u/registry", ntohs(address.sin_port));
	return fd;
}

START_TEST(clones_of_other_hosts_belong_to_nobody)
{
	char url[64];
	iov_auto(iov_close_fd) int server = silent_server(url);
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	struct stat st;
	json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:s}", "job", "git-fetch", "etc", "/none", "repo", repo,
				    "url", url, "ref", MAIN);
	start(request, -1, &worker);
	unit_ok(ctx, iov_worker_end_input(ctx, &worker));
	iov_auto(iov_close_fd) int connection = accept(server, NULL, NULL);
	ck_assert_int_ge(connection, 0);
	assert_status(worker.pid, "Uid", "65534");
	assert_status(worker.pid, "CapEff", "0000000000000000");
	ck_assert_int_eq(stat(repo, &st), 0);
	ck_assert_int_eq(st.st_uid, 65534);
	iov_auto(iov_free_ptr) char *head = iov_path(ctx, "/registry.git/HEAD");
	ck_assert_int_eq(stat(head, &st), 0);
	ck_assert_int_eq(st.st_uid, 65534);
}
END_TEST

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

/* A repository may name others as alternates. Inside its folder that is its business; outside it would read what is not
 * the job's. */
START_TEST(git_jobs_see_their_repository_only)
{
	char commit[41], text[512];
	struct iov_git_file file = {"f", "secret", 6};
	iov_auto(iov_buf_release) struct iov_buf buf = {0}, inside_buf = {0};
	iov_auto(iov_free_ptr) char *alternates = iov_path(ctx, "/registry.git/objects/info/alternates");
	iov_auto(iov_free_ptr) char *inside = iov_path(ctx, "/registry.git/inside");
	iov_auto(iov_free_ptr) char *outside = iov_path(ctx, "/outside.git");
	unit_ok(ctx, iov_git_init(ctx, inside));
	unit_ok(ctx, iov_git_commit(ctx, inside, MAIN, NULL, &file, 1, "m", 1, commit));
	ck_assert_int_eq(iov_fs_mkdirs_for(alternates, 0755), 0);
	snprintf(text, sizeof(text), "%s/objects\n", inside);
	ck_assert_int_eq(iov_fs_replace(alternates, text, strlen(text), 0644), 0);
	unit_ok(ctx, iov_git_read(ctx, repo, commit, "f", 10, &inside_buf));
	ck_assert_str_eq(inside_buf.data, "secret");
	ck_assert_int_eq(rename(inside, outside), 0);
	snprintf(text, sizeof(text), "%s/objects\n", outside);
	ck_assert_int_eq(iov_fs_replace(alternates, text, strlen(text), 0644), 0);
	int rc = iov_git_read(ctx, repo, commit, "f", 10, &buf);
	ck_assert_int_eq(rc == IOV_OK, !has_landlock());
}
END_TEST

Suite *suite_worker_sandbox(void);
Suite *suite_worker_sandbox(void)
{
	Suite *suite = suite_create("worker_sandbox");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, archive_jobs_are_nobody);
	tcase_add_test(tests, http_is_nobody_and_writes_no_file);
	tcase_add_test(tests, git_jobs_keep_one_capability);
	tcase_add_test(tests, git_jobs_see_their_repository_only);
	if (geteuid() == 0) {
		tcase_add_test(tests, git_jobs_are_the_owner_of_the_repository);
		tcase_add_test(tests, clones_of_other_hosts_belong_to_nobody);
	}
	suite_add_tcase(suite, tests);
	return suite;
}
