/* Real bare repositories through the real worker. */
#include "unit.h"

#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

#define MAIN "refs/heads/main"
#define NO_COMMIT "0123456789012345678901234567890123456789"

static struct iov_ctx *ctx;
static char *repo;

static void set_up(void)
{
	ctx = unit_ctx();
	repo = iov_path(ctx, "/registry.git");
	unit_ok(ctx, iov_git_init(ctx, repo));
}

static void tear_down(void)
{
	free(repo);
	unit_ctx_free(ctx);
}

/* Commits one file on main. */
static void commit_file(const char *parent, const char *path, const char *text, char *ret_commit)
{
	struct iov_git_file file = {path, text, text ? strlen(text) : 0};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, parent, &file, 1, "a change\n", 1700000000, ret_commit));
}

static void assert_file(const char *commit, const char *path, const char *text)
{
	iov_auto(iov_buf_release) struct iov_buf buf = {0};
	unit_ok(ctx, iov_git_read(ctx, repo, commit, path, 1 << 20, &buf));
	ck_assert_str_eq(buf.data, text);
}

START_TEST(reads_what_was_committed)
{
	char first[41], second[41], now[41];
	commit_file(NULL, "index/ab/flow-top", "one\n", first);
	commit_file(first, "root/1.note", "two\n", second);
	assert_file(second, "index/ab/flow-top", "one\n");
	assert_file(second, "root/1.note", "two\n");
	unit_ok(ctx, iov_git_resolve(ctx, repo, MAIN, now));
	ck_assert_str_eq(now, second);
	iov_auto(iov_buf_release) struct iov_buf buf = {0};
	unit_fails(ctx, iov_git_read(ctx, repo, first, "root/1.note", 100, &buf), IOV_E_NOT_FOUND,
		   "no file 'root/1.note'");
}
END_TEST

START_TEST(same_commit_is_same_id)
{
	char a[41], b[41];
	commit_file(NULL, "head.note", "x", a);
	unit_ok(ctx, iov_git_delete_ref(ctx, repo, MAIN));
	commit_file(NULL, "head.note", "x", b);
	ck_assert_str_eq(a, b);
}
END_TEST

START_TEST(removes_files_and_emptied_folders)
{
	char first[41], second[41];
	struct iov_git_file files[] = {{"a/b/c", "1", 1}, {"d", "2", 1}};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, files, 2, "m", 1, first));
	struct iov_git_file changes[] = {{"a/b/c", NULL, 0}, {"never/there", NULL, 0}, {"e/f", "", 0}};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, first, changes, 3, "m", 2, second));
	iov_auto(iov_buf_release) struct iov_buf names = {0};
	unit_ok(ctx, iov_git_list(ctx, repo, second, "", &names));
	ck_assert_str_eq(names.data, "d\ne/");
	assert_file(second, "e/f", "");
}
END_TEST

START_TEST(lists_a_folder_sorted)
{
	char commit[41];
	struct iov_git_file files[] = {{"z", "1", 1}, {"a/x", "2", 1}, {"a.b", "3", 1}, {"a/y/z", "4", 1}};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, files, 4, "m", 1, commit));
	iov_auto(iov_buf_release) struct iov_buf top = {0}, folder = {0};
	unit_ok(ctx, iov_git_list(ctx, repo, commit, "", &top));
	ck_assert_str_eq(top.data, "a.b\na/\nz");
	unit_ok(ctx, iov_git_list(ctx, repo, commit, "a", &folder));
	ck_assert_str_eq(folder.data, "x\ny/");
	unit_fails(ctx, iov_git_list(ctx, repo, commit, "z", &top), IOV_E_NOT_FOUND, "no folder 'z'");
}
END_TEST

START_TEST(reads_many_at_once)
{
	char commit[41];
	struct iov_git_file files[] = {{"a", "alpha", 5}, {"b/c", "", 0}};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, files, 2, "m", 1, commit));
	const char *paths[] = {"b/c", "missing", "a", "b"};
	struct iov_buf found[4];
	unit_ok(ctx, iov_git_read_many(ctx, repo, commit, paths, 4, 100, found));
	ck_assert_str_eq(found[0].data, "");
	ck_assert_ptr_null(found[1].data);
	ck_assert_str_eq(found[2].data, "alpha");
	ck_assert_ptr_null(found[3].data);
	for (size_t i = 0; i < 4; i++)
		iov_buf_release(&found[i]);
	unit_fails(ctx, iov_git_read_many(ctx, repo, commit, paths, 4, 4, found), IOV_E_UNTRUSTED,
		   "more than the 4 allowed");
	ck_assert_ptr_null(found[0].data);
}
END_TEST

START_TEST(reads_a_thousand)
{
	enum { COUNT = 1000 };
	char commit[41], (*names)[32] = calloc(COUNT, sizeof(*names));
	struct iov_git_file files[COUNT];
	const char *paths[COUNT];
	struct iov_buf found[COUNT];
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "%02zu/%zu", i % 20, i);
		files[i] = (struct iov_git_file){names[i], names[i], strlen(names[i])};
		paths[i] = names[i];
	}
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, files, COUNT, "m", 1, commit));
	unit_ok(ctx, iov_git_read_many(ctx, repo, commit, paths, COUNT, 100, found));
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_str_eq(found[i].data, names[i]);
		iov_buf_release(&found[i]);
	}
	free(names);
}
END_TEST

static int count_bytes(struct iov_ctx *context, const void *data, size_t len, void *cookie)
{
	(void)context;
	(void)data;
	*(size_t *)cookie += len;
	return IOV_OK;
}

static int refuse_bytes(struct iov_ctx *context, const void *data, size_t len, void *cookie)
{
	(void)data;
	(void)len;
	(void)cookie;
	return iov_error(context, IOV_E_SPACE, "the sink is full");
}

START_TEST(streams_large_files)
{
	enum { SIZE = 9 << 20 };
	char commit[41], *data = calloc(1, SIZE);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	struct iov_git_file file = {"archive", data, SIZE};
	unit_ok(ctx, iov_git_commit(ctx, repo, MAIN, NULL, &file, 1, "m", 1, commit));
	free(data);
	size_t seen = 0;
	unit_ok(ctx, iov_git_stream(ctx, repo, commit, "archive", SIZE, count_bytes, &seen));
	ck_assert_uint_eq(seen, SIZE);
	unit_fails(ctx, iov_git_stream(ctx, repo, commit, "archive", SIZE - 1, count_bytes, &seen), IOV_E_UNTRUSTED,
		   "9437184 bytes, more than the 9437183 allowed");
	unit_fails(ctx, iov_git_stream(ctx, repo, commit, "archive", SIZE, refuse_bytes, NULL), IOV_E_SPACE,
		   "the sink is full");
}
END_TEST

START_TEST(refs_by_prefix)
{
	char a[41], b[41], want[200];
	struct iov_git_file file = {"f", "1", 1};
	unit_ok(ctx, iov_git_commit(ctx, repo, "refs/heads/incoming/b", NULL, &file, 1, "m", 1, b));
	unit_ok(ctx, iov_git_commit(ctx, repo, "refs/heads/incoming/a", NULL, &file, 1, "m", 2, a));
	unit_ok(ctx, iov_git_commit(ctx, repo, "refs/packages/x", NULL, &file, 1, "m", 3, NULL));
	iov_auto(iov_buf_release) struct iov_buf refs = {0}, none = {0};
	unit_ok(ctx, iov_git_refs(ctx, repo, "refs/heads/incoming/", &refs));
	snprintf(want, sizeof(want), "refs/heads/incoming/a %s\nrefs/heads/incoming/b %s", a, b);
	ck_assert_str_eq(refs.data, want);
	unit_ok(ctx, iov_git_refs(ctx, repo, "refs/nothing/", &none));
	ck_assert_str_eq(none.data, "");
	unit_ok(ctx, iov_git_delete_ref(ctx, repo, "refs/heads/incoming/a"));
	unit_fails(ctx, iov_git_resolve(ctx, repo, "refs/heads/incoming/a", a), IOV_E_NOT_FOUND, "has no ref");
	unit_ok(ctx, iov_git_delete_ref(ctx, repo, "refs/heads/incoming/a"));
}
END_TEST

START_TEST(commit_moves_a_ref_only_from_its_parent)
{
	char first[41], second[41], now[41];
	struct iov_git_file file = {"f", "late", 4};
	commit_file(NULL, "f", "1", first);
	commit_file(first, "f", "2", second);
	unit_fails(ctx, iov_git_commit(ctx, repo, MAIN, first, &file, 1, "m", 5, now), IOV_E_BUSY, "somebody else");
	unit_fails(ctx, iov_git_commit(ctx, repo, MAIN, NULL, &file, 1, "m", 5, now), IOV_E_BUSY, "somebody else");
	unit_fails(ctx, iov_git_commit(ctx, repo, "refs/heads/new", first, &file, 1, "m", 5, now), IOV_E_BUSY,
		   "somebody else");
	unit_ok(ctx, iov_git_resolve(ctx, repo, MAIN, now));
	ck_assert_str_eq(now, second);
}
END_TEST

START_TEST(commit_goes_back_without_taking_back)
{
	char good[41], bad[41], now[41];
	struct iov_git_file file = {"g", "new", 3};
	commit_file(NULL, "f", "good", good);
	commit_file(good, "f", "bad", bad);
	unit_ok(ctx, iov_git_commit_back(ctx, repo, MAIN, bad, good, &file, 1, "m", 5, now));
	assert_file(now, "f", "good");
	assert_file(now, "g", "new");
	unit_fails(ctx, iov_git_commit_back(ctx, repo, MAIN, bad, good, &file, 1, "m", 5, now), IOV_E_BUSY,
		   "somebody else");
	unit_fails(ctx, iov_git_commit_back(ctx, repo, MAIN, now, "nonsense", &file, 1, "m", 5, now), IOV_E_INPUT,
		   "is not a commit id");
}
END_TEST

START_TEST(refuses_paths_that_git_refuses)
{
	struct iov_git_file file = {"../escape", "x", 1};
	ck_assert_int_ne(iov_git_commit(ctx, repo, MAIN, NULL, &file, 1, "m", 5, NULL), IOV_OK);
	ck_assert_ptr_nonnull(strstr(iov_error_text(ctx), "cannot make the commit's tree"));
}
END_TEST

/* "path", "file://path", and the latter with escapes */
static char *url_of(int form)
{
	static const char *const formats[] = {"%s", "file://%s", "file://localhost%s"};
	struct iov_buf url = {0};
	iov_buf_printf(&url, formats[form], repo);
	return iov_buf_take(&url);
}

START_TEST(fetches_from_a_path)
{
	char commit[41], got[41], again[41];
	commit_file(NULL, "head.note", "v1", commit);
	iov_auto(iov_free_ptr) char *url = url_of(_i);
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/state/clone of it/git");
	unit_ok(ctx, iov_git_fetch(ctx, clone, url, MAIN, got));
	ck_assert_str_eq(got, commit);
	commit_file(commit, "head.note", "v2", commit);
	unit_ok(ctx, iov_git_fetch(ctx, clone, url, MAIN, again));
	ck_assert_str_eq(again, commit);
	iov_auto(iov_buf_release) struct iov_buf buf = {0};
	unit_ok(ctx, iov_git_read(ctx, clone, again, "head.note", 10, &buf));
	ck_assert_str_eq(buf.data, "v2");
	unit_ok(ctx, iov_git_fetch(ctx, clone, url, MAIN, again));
	ck_assert_str_eq(again, commit);
}
END_TEST

/* What a fetch that was killed left: a lock on the ref. */
START_TEST(fetch_ends_a_lock_that_was_left)
{
	char commit[41], got[41];
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/clone");
	iov_auto(iov_free_ptr) char *lock = iov_path(ctx, "/clone/%s.lock", MAIN);
	commit_file(NULL, "f", "1", commit);
	unit_ok(ctx, iov_git_fetch(ctx, clone, repo, MAIN, got));
	commit_file(commit, "f", "2", commit);
	ck_assert_int_eq(iov_fs_replace(lock, "", 0, 0644), 0);
	unit_ok(ctx, iov_git_fetch(ctx, clone, repo, MAIN, got));
	ck_assert_str_eq(got, commit);
	ck_assert(!iov_fs_exists(lock));
}
END_TEST

/* A registry that was set back is fetched as it is: whether that is allowed is decided by its signed head, not here. */
START_TEST(fetch_follows_a_rewritten_ref)
{
	char first[41], second[41], got[41];
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/clone");
	commit_file(NULL, "f", "1", first);
	unit_ok(ctx, iov_git_fetch(ctx, clone, repo, MAIN, got));
	unit_ok(ctx, iov_git_delete_ref(ctx, repo, MAIN));
	commit_file(NULL, "f", "other", second);
	unit_ok(ctx, iov_git_fetch(ctx, clone, repo, MAIN, got));
	ck_assert_str_eq(got, second);
}
END_TEST

START_TEST(fetch_errors_name_the_remedy)
{
	char commit[41];
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/clone");
	iov_auto(iov_free_ptr) char *missing = iov_path(ctx, "/nowhere");
	unit_fails(ctx, iov_git_fetch(ctx, clone, missing, MAIN, commit), IOV_E_NETWORK,
		   "cannot be reached: there is no such folder; check the URL and the network, or use --offline");
	unit_fails(ctx, iov_git_fetch(ctx, clone, "file:///nowhere/at/all", MAIN, commit), IOV_E_NETWORK,
		   "'file:///nowhere/at/all'");
	unit_fails(ctx, iov_git_fetch(ctx, clone, ctx->root, MAIN, commit), IOV_E_NETWORK,
		   "it is not a git repository");
	unit_fails(ctx, iov_git_fetch(ctx, clone, repo, MAIN, commit), IOV_E_NOT_FOUND, "has no ref 'refs/heads/main'");
	unit_fails(ctx, iov_git_fetch(ctx, clone, "gopher://x/y", MAIN, commit), IOV_E_INPUT,
		   "not a URL that iovpkg can reach");
	unit_fails(ctx, iov_git_fetch(ctx, clone, "http://127.0.0.1:1/x", MAIN, commit), IOV_E_NETWORK,
		   "'http://127.0.0.1:1/x' cannot be reached");
	unit_fails(ctx, iov_git_resolve(ctx, missing, MAIN, commit), IOV_E_NOT_FOUND, "there is no git repository at");
}
END_TEST

START_TEST(pushes_to_a_path)
{
	char commit[41], got[41];
	iov_auto(iov_free_ptr) char *work = iov_path(ctx, "/work.git");
	struct iov_git_file file = {"archive", "bytes", 5};
	unit_ok(ctx, iov_git_init(ctx, work));
	unit_ok(ctx, iov_git_commit(ctx, work, "refs/heads/out", NULL, &file, 1, "submission\n", 7, commit));
	unit_ok(ctx, iov_git_push(ctx, work, repo, "refs/heads/out", "refs/heads/incoming/abc", NULL));
	unit_ok(ctx, iov_git_push(ctx, work, repo, "refs/heads/out", "refs/heads/incoming/abc", NULL));
	unit_ok(ctx, iov_git_resolve(ctx, repo, "refs/heads/incoming/abc", got));
	ck_assert_str_eq(got, commit);
	assert_file(got, "archive", "bytes");
}
END_TEST

START_TEST(push_errors_name_the_remedy)
{
	iov_auto(iov_free_ptr) char *work = iov_path(ctx, "/work.git");
	iov_auto(iov_free_ptr) char *missing = iov_path(ctx, "/nowhere");
	char commit[41];
	struct iov_git_file file = {"f", "2", 1};
	commit_file(NULL, "f", "1", commit);
	unit_ok(ctx, iov_git_init(ctx, work));
	unit_ok(ctx, iov_git_commit(ctx, work, MAIN, NULL, &file, 1, "unrelated", 7, commit));
	unit_fails(ctx, iov_git_push(ctx, work, repo, MAIN, MAIN, NULL), IOV_E_CONFLICT, "refused 'refs/heads/main'");
	unit_fails(ctx, iov_git_push(ctx, work, missing, MAIN, MAIN, NULL), IOV_E_NETWORK, "there is no such folder");
}
END_TEST

/* The user's git configuration must not matter: here one that would send every URL elsewhere. */
START_TEST(ignores_the_users_git_configuration)
{
	char commit[41], got[41];
	iov_auto(iov_free_ptr) char *config = iov_path(ctx, "/home/.gitconfig");
	iov_auto(iov_free_ptr) char *home = iov_path(ctx, "/home");
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/clone");
	static const char text[] = "[url \"/elsewhere/\"]\n\tinsteadOf = /\n";
	ck_assert_int_eq(iov_fs_mkdirs(home, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(config, text, strlen(text), 0644), 0);
	setenv("HOME", home, 1);
	commit_file(NULL, "f", "1", commit);
	unit_ok(ctx, iov_git_fetch(ctx, clone, repo, MAIN, got));
	ck_assert_str_eq(got, commit);
}
END_TEST

START_TEST(a_missing_worker_is_said)
{
	struct iov_config config = {.worker = "/nowhere/iovpkg-worker"};
	struct iov_ctx *other = NULL;
	char commit[41];
	ck_assert_int_eq(iov_ctx_new(&config, &other), IOV_OK);
	unit_fails(other, iov_git_resolve(other, repo, MAIN, commit), IOV_E_IO,
		   "cannot start the helper program '/nowhere/iovpkg-worker'; is iovpkg installed completely?");
	iov_ctx_free(other);
}
END_TEST

/* ---- a server, where git is installed ------------------------------------------------------------------------- */

#define GIT_DAEMON "/usr/lib/git-core/git-daemon"

static struct sockaddr_in free_address(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	iov_auto(iov_close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return address;
}

static bool answers(const struct sockaddr_in *address)
{
	iov_auto(iov_close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* Serves the folder of this test; the URL of its registry, owned by the caller. */
static char *start_daemon(pid_t *ret)
{
	struct sockaddr_in address = free_address();
	struct iov_buf url = {0};
	iov_auto(iov_buf_release) struct iov_buf port = {0}, base = {0};
	iov_buf_printf(&port, "--port=%u", ntohs(address.sin_port));
	iov_buf_printf(&base, "--base-path=%s", ctx->root);
	char *argv[] = {GIT_DAEMON, "--reuseaddr",  "--listen=127.0.0.1",    port.data,
			base.data,  "--export-all", "--enable=receive-pack", NULL};
	ck_assert_int_eq(posix_spawn(ret, GIT_DAEMON, NULL, NULL, argv, environ), 0);
	for (int i = 0; i < 500 && !answers(&address); i++)
		usleep(10000);
	iov_buf_printf(&url, "git://127.0.0.1:%u/registry.git", ntohs(address.sin_port));
	return iov_buf_take(&url);
}

static void write_hook(const char *text)
{
	iov_auto(iov_free_ptr) char *hook = iov_path(ctx, "/registry.git/hooks/update");
	ck_assert_int_eq(iov_fs_mkdirs_for(hook, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(hook, text, strlen(text), 0755), 0);
	ck_assert_int_eq(chmod(hook, 0755), 0);
}

START_TEST(speaks_with_a_server)
{
	pid_t pid;
	char commit[41], got[41];
	iov_auto(iov_free_ptr) char *url = start_daemon(&pid);
	iov_auto(iov_free_ptr) char *clone = iov_path(ctx, "/clone");
	struct iov_git_file file = {"f", "2", 1};
	commit_file(NULL, "f", "1", commit);
	unit_ok(ctx, iov_git_fetch(ctx, clone, url, MAIN, got));
	ck_assert_str_eq(got, commit);
	unit_fails(ctx, iov_git_fetch(ctx, clone, url, "refs/heads/none", got), IOV_E_NOT_FOUND,
		   "has no ref 'refs/heads/none'");
	unit_ok(ctx, iov_git_commit(ctx, clone, MAIN, commit, &file, 1, "m", 2, got));
	write_hook("#!/bin/sh\necho '1.0.0 is published already' >&2\nexit 1\n");
	unit_fails(ctx, iov_git_push(ctx, clone, url, MAIN, MAIN, NULL), IOV_E_CONFLICT, "refuses it: hook declined");
	unit_fails(ctx, iov_git_push(ctx, clone, url, MAIN, MAIN, NULL), IOV_E_CONFLICT,
		   "it says: 1.0.0 is published already");
	write_hook("#!/bin/sh\nexit 0\n");
	unit_ok(ctx, iov_git_push(ctx, clone, url, MAIN, MAIN, NULL));
	assert_file(got, "f", "2");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	return tests;
}

Suite *suite_worker_git(void);
Suite *suite_worker_git(void)
{
	Suite *suite = suite_create("worker_git");
	TCase *local = add_case(suite, "local");
	tcase_add_test(local, reads_what_was_committed);
	tcase_add_test(local, same_commit_is_same_id);
	tcase_add_test(local, removes_files_and_emptied_folders);
	tcase_add_test(local, lists_a_folder_sorted);
	tcase_add_test(local, reads_many_at_once);
	tcase_add_test(local, reads_a_thousand);
	tcase_add_test(local, streams_large_files);
	tcase_add_test(local, refs_by_prefix);
	tcase_add_test(local, commit_moves_a_ref_only_from_its_parent);
	tcase_add_test(local, commit_goes_back_without_taking_back);
	tcase_add_test(local, refuses_paths_that_git_refuses);
	tcase_add_test(local, a_missing_worker_is_said);
	TCase *remote = add_case(suite, "remote");
	tcase_add_loop_test(remote, fetches_from_a_path, 0, 3);
	tcase_add_test(remote, fetch_ends_a_lock_that_was_left);
	tcase_add_test(remote, fetch_follows_a_rewritten_ref);
	tcase_add_test(remote, fetch_errors_name_the_remedy);
	tcase_add_test(remote, pushes_to_a_path);
	tcase_add_test(remote, push_errors_name_the_remedy);
	tcase_add_test(remote, ignores_the_users_git_configuration);
	if (access(GIT_DAEMON, X_OK) == 0)
		tcase_add_test(remote, speaks_with_a_server);
	return suite;
}
