#include "worker/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials/secret.h"
#include "util/cleanup.h"

#define FIRST_SPARE_FD 10 /* above every number that the worker is given */
#define LOADER_FAILED 127 /* what ld.so ends a program with whose libraries it cannot load */

/* Ends it and tells how it ended. */
static int reap(struct iov_worker *worker)
{
	int status = 0;
	if (worker->pid <= 0)
		return status;
	kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	worker->pid = 0;
	return status;
}

void iov_worker_release(struct iov_worker *worker)
{
	reap(worker);
	iov_close_fd(&worker->fd);
	worker->fd = -1;
	iov_frame_release(&worker->frame);
	free(iov_take(worker->program));
}

/* ---- start ---------------------------------------------------------------------------------------------------- */

/* The worker's descriptors: nothing on 0 to 2, its socket, perhaps a file, and no other. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int sock, int file)
{
	int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, 0, 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, 0, 2);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, sock, IOV_WORKER_SOCKET);
	if (!rc && file >= 0)
		rc = posix_spawn_file_actions_adddup2(actions, file, IOV_WORKER_FILE);
	return rc ? rc
		  : posix_spawn_file_actions_addclosefrom_np(actions,
							     file >= 0 ? IOV_WORKER_FILE + 1 : IOV_WORKER_FILE);
}

/* Default signals, none blocked, and a process group of its own, so that the terminal's Ctrl-C is the main process's
 * business. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes,
					POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int spawn(const char *program, int sock, int file, pid_t *ret)
{
	char *const argv[] = {(char *)"iovpkg-worker", NULL};
	char *const envp[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (!rc) {
		rc = set_descriptors(&actions, sock, file);
		rc = rc ? rc : set_attributes(&attributes);
		rc = rc ? rc : posix_spawn(ret, program, &actions, &attributes, argv, envp);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* A copy out of the way of the numbers that the worker is given; -1 stays -1. */
static int move_up(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SPARE_FD);
}

static int start_process(struct iov_ctx *ctx, int file, struct iov_worker *worker)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return iov_error_errno(ctx, errno, "cannot make a socket for the worker");
	worker->fd = ends[0];
	iov_auto(iov_close_fd) int low = ends[1];
	iov_auto(iov_close_fd) int sock = move_up(low);
	iov_auto(iov_close_fd) int copy = move_up(file);
	if (sock < 0 || (file >= 0 && copy < 0))
		return iov_error_errno(ctx, errno, "cannot pass files to the worker");
	int rc = spawn(worker->program, sock, copy, &worker->pid);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot start the helper program '%s'; is iovpkg installed completely?",
				       worker->program);
	return IOV_OK;
}

/* ---- send ----------------------------------------------------------------------------------------------------- */

static int too_late(struct iov_ctx *ctx, const struct iov_worker *worker)
{
	return iov_error(ctx, worker->job->late, "%s '%s' took longer than the %u seconds allowed", worker->job->verb,
			 worker->job->subject, worker->job->seconds);
}

/* A worker that no longer listens has something to say first: the failure shows in iov_worker_next(). */
static int sent(struct iov_ctx *ctx, struct iov_worker *worker, int rc)
{
	if (rc == -EPIPE)
		worker->gone = true;
	else if (rc == -ETIME)
		return too_late(ctx, worker);
	else if (rc)
		return iov_error_errno(ctx, rc, "%s '%s': cannot write to the worker", worker->job->verb,
				       worker->job->subject);
	return IOV_OK;
}

static int send_request(struct iov_ctx *ctx, struct iov_worker *worker, const json_t *request)
{
	iov_auto(iov_secret_release) char *text = json_dumps(request, JSON_COMPACT); /* may hold a credential */
	if (!text)
		return iov_oom(ctx);
	return sent(ctx, worker, iov_frame_send(worker->fd, IOV_FRAME_REQUEST, text, strlen(text), worker->deadline));
}

/* `suffix` is what the program's name has more than the usual worker's. */
static int start(struct iov_ctx *ctx, const struct iov_worker_job *job, const char *suffix, json_t *request, int file,
		 struct iov_worker *ret)
{
	iov_auto(iov_json_release) json_t *owned = request;
	if (!owned)
		return iov_error(ctx, IOV_E_INPUT, "%s '%s': the name must be UTF-8", job->verb, job->subject);
	*ret = (struct iov_worker){.job = job, .fd = -1, .bytes_left = job->bytes};
	ret->deadline = iov_frame_now() + (int64_t)job->seconds * 1000;
	if (asprintf(&ret->program, "%s%s", ctx->worker, suffix) < 0) {
		ret->program = NULL;
		return iov_oom(ctx);
	}
	if (iov_frame_init(&ret->frame))
		return iov_oom(ctx);
	int rc = start_process(ctx, file, ret);
	return rc ? rc : send_request(ctx, ret, owned);
}

int iov_worker_start(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request, int file,
		     struct iov_worker *ret)
{
	return start(ctx, job, "", request, file, ret);
}

int iov_worker_start_http(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request,
			  struct iov_worker *ret)
{
	return start(ctx, job, "-http", request, -1, ret);
}

int iov_worker_start_git_http(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request,
			      struct iov_worker *ret)
{
	return start(ctx, job, "-git-http", request, -1, ret);
}

int iov_worker_send_file(struct iov_ctx *ctx, struct iov_worker *worker, const char *path, uint64_t size)
{
	if (worker->gone)
		return IOV_OK;
	return sent(ctx, worker, iov_frame_send_file(worker->fd, path, size, worker->deadline));
}

int iov_worker_send_data(struct iov_ctx *ctx, struct iov_worker *worker, const void *data, size_t len)
{
	const char *at = data;
	int rc = IOV_OK;
	while (len && !rc && !worker->gone) {
		size_t part = len < IOV_FRAME_MAX ? len : IOV_FRAME_MAX;
		rc = sent(ctx, worker, iov_frame_send(worker->fd, IOV_FRAME_DATA, at, part, worker->deadline));
		at += part;
		len -= part;
	}
	return rc;
}

int iov_worker_end_input(struct iov_ctx *ctx, struct iov_worker *worker)
{
	if (worker->gone)
		return IOV_OK;
	return sent(ctx, worker, iov_frame_send(worker->fd, IOV_FRAME_END, NULL, 0, worker->deadline));
}

/* ---- receive -------------------------------------------------------------------------------------------------- */

static int died(struct iov_ctx *ctx, struct iov_worker *worker)
{
	const struct iov_worker_job *job = worker->job;
	int status = reap(worker);
	if (WIFSIGNALED(status))
		return iov_error(ctx, IOV_E_INTERNAL, "%s '%s': the helper program '%s' was killed by signal %d (%s)",
				 job->verb, job->subject, worker->program, WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == LOADER_FAILED)
		return iov_error(
			ctx, IOV_E_INTERNAL,
			"%s '%s': the helper program '%s' cannot start; install iovpkg and its libraries again, "
			"or raise a limit on memory (ulimit -v) if there is one",
			job->verb, job->subject, worker->program);
	return iov_error(ctx, IOV_E_INTERNAL,
			 "%s '%s': the helper program '%s' ended with status %d and without an answer", job->verb,
			 job->subject, worker->program, WEXITSTATUS(status));
}

int iov_worker_nonsense(struct iov_ctx *ctx, struct iov_worker *worker)
{
	reap(worker);
	return iov_error(ctx, IOV_E_INTERNAL,
			 "%s '%s': the helper program '%s' does not speak this version's protocol; reinstall iovpkg",
			 worker->job->verb, worker->job->subject, worker->program);
}

void iov_worker_make_printable(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		if (*at < 0x20 || *at == 0x7f)
			*at = ' ';
		else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = ' ';
	}
	for (size_t len = strlen(text); len && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
}

static int take_error(struct iov_ctx *ctx, struct iov_worker *worker)
{
	uint8_t code;
	const char *text;
	if (!iov_frame_parse_error(&worker->frame, &code, &text) || code == IOV_OK || code >= IOV_E_DECLINED)
		return iov_worker_nonsense(ctx, worker);
	iov_worker_make_printable((char *)text);
	return iov_error(ctx, code, "%s", text);
}

static int take_progress(struct iov_ctx *ctx, struct iov_worker *worker)
{
	uint64_t done, total;
	if (!iov_frame_parse_progress(&worker->frame, &done, &total))
		return iov_worker_nonsense(ctx, worker);
	iov_progress(ctx, worker->job->verb, worker->job->subject, done, total);
	return IOV_OK;
}

static int take_credential(struct iov_ctx *ctx, struct iov_worker *worker)
{
	bool accepted;
	if (!iov_frame_parse_credential(&worker->frame, &accepted))
		return iov_worker_nonsense(ctx, worker);
	worker->accepted = accepted;
	worker->refused = !accepted;
	return IOV_OK;
}

static int take_data(struct iov_ctx *ctx, struct iov_worker *worker)
{
	if (!worker->frame.len)
		return iov_worker_nonsense(ctx, worker);
	if (worker->frame.len > worker->bytes_left) {
		reap(worker);
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s '%s': more than the %llu bytes allowed came back",
				 worker->job->verb, worker->job->subject, (unsigned long long)worker->job->bytes);
	}
	worker->bytes_left -= worker->frame.len;
	return IOV_OK;
}

int iov_worker_take(struct iov_ctx *ctx, struct iov_worker *worker)
{
	int rc = iov_frame_receive(worker->fd, &worker->frame, worker->deadline);
	if (rc == -EPIPE)
		return died(ctx, worker);
	if (rc == -ETIME)
		return too_late(ctx, worker);
	if (rc)
		return iov_worker_nonsense(ctx, worker);
	return worker->frame.type == IOV_FRAME_ERROR ? take_error(ctx, worker) : IOV_OK;
}

int iov_worker_next(struct iov_ctx *ctx, struct iov_worker *worker)
{
	int rc = iov_worker_take(ctx, worker);
	while (!rc && (worker->frame.type == IOV_FRAME_PROGRESS || worker->frame.type == IOV_FRAME_CREDENTIAL)) {
		rc = worker->frame.type == IOV_FRAME_PROGRESS ? take_progress(ctx, worker)
							      : take_credential(ctx, worker);
		rc = rc ? rc : iov_worker_take(ctx, worker);
	}
	if (rc)
		return rc;
	switch (worker->frame.type) {
	case IOV_FRAME_DATA:
		return take_data(ctx, worker);
	case IOV_FRAME_FILE:
	case IOV_FRAME_END:
		return IOV_OK;
	default:
		return iov_worker_nonsense(ctx, worker);
	}
}

int iov_worker_finish(struct iov_ctx *ctx, struct iov_worker *worker)
{
	int rc = iov_worker_end_input(ctx, worker);
	rc = rc ? rc : iov_worker_next(ctx, worker);
	if (!rc && worker->frame.type != IOV_FRAME_END)
		return iov_worker_nonsense(ctx, worker);
	return rc;
}
