#include "util/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

static const char *const minimal_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C",
	NULL,
};

struct pipe_ends {
	int read, write;
};

static void close_pipe(struct pipe_ends *ends)
{
	iov_close_fd(&ends->read);
	iov_close_fd(&ends->write);
	*ends = (struct pipe_ends){-1, -1};
}

static int open_pipe(struct pipe_ends *ends)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	*ends = (struct pipe_ends){fds[0], fds[1]};
	return 0;
}

static void close_write_end(struct pipe_ends *ends)
{
	iov_close_fd(&ends->write);
	ends->write = -1;
}

/* ---- in the child: only calls that are safe between fork and exec ---- */

static int limit(int resource, uint64_t value)
{
	struct rlimit both = {.rlim_cur = value, .rlim_max = value};
	return value && setrlimit(resource, &both) ? -1 : 0;
}

static int set_limits(const struct iov_process *process)
{
	return limit(RLIMIT_AS, process->limit_memory) || limit(RLIMIT_CPU, process->limit_cpu_seconds) ||
	       limit(RLIMIT_FSIZE, process->limit_file);
}

static int set_streams(int out, int err)
{
	int null = open("/dev/null", O_RDONLY);
	return null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0;
}

/* Signals as a fresh program expects them, whatever our caller has blocked or ignored. */
static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void __attribute__((noreturn)) run_child(const struct iov_process *process, int out, int err, int report)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	if (!set_streams(out, err) && (!process->directory || !chdir(process->directory)) && !set_limits(process)) {
		close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
		environ = (char **)(process->envp ? process->envp : minimal_environment);
		execvp(process->argv[0], (char *const *)process->argv);
	}
	int reason = errno;
	while (write(report, &reason, sizeof(reason)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* ---- in the parent ---- */

/* The child's errno when it could not become the program; 0 when the report pipe closed at exec. */
static int start_error(int report)
{
	int reason = 0;
	ssize_t got;
	do
		got = read(report, &reason, sizeof(reason));
	while (got < 0 && errno == EINTR);
	return got == sizeof(reason) ? reason : 0;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One read; what is over the limit is dropped. False at the end of the stream, and where nothing waits. */
static bool read_some(int fd, struct iov_buf *buf, size_t limit_output)
{
	char chunk[16384];
	ssize_t got = read(fd, chunk, sizeof(chunk));
	if (got < 0)
		return errno == EINTR;
	size_t room = limit_output > buf->len ? limit_output - buf->len : 0;
	iov_buf_add(buf, chunk, (size_t)got < room ? (size_t)got : room);
	return got > 0;
}

static void drain(int fd, struct iov_buf *buf, size_t limit_output)
{
	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK))
		return;
	while (read_some(fd, buf, limit_output))
		;
}

static void read_or_close(struct pollfd *slot, struct iov_buf *buf, size_t limit_output)
{
	if (slot->revents && !read_some(slot->fd, buf, limit_output))
		slot->fd = -1;
}

/*
 * Reads both streams until the program ends or its time is over. Then the group goes: what it left behind must not hold
 * our pipes or outlive its limits. The program is not reaped yet, so its number cannot name another group.
 */
static void follow(const struct iov_process *process, pid_t child, int pidfd, int out, int err,
		   struct iov_process_result *result)
{
	int64_t deadline = now_ms() + process->timeout_ms;
	struct pollfd slots[] = {
		{.fd = pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
	while (!slots[0].revents) {
		int64_t left = process->timeout_ms ? deadline - now_ms() : -1;
		result->timed_out = process->timeout_ms && left <= 0;
		if (result->timed_out)
			break;
		int ready = poll(slots, IOV_COUNT(slots), left > INT_MAX ? INT_MAX : (int)left);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			break;
		read_or_close(&slots[1], &result->out, process->limit_output);
		read_or_close(&slots[2], &result->err, process->limit_output);
	}
	kill(-child, SIGKILL);
	drain(slots[1].fd, &result->out, process->limit_output);
	drain(slots[2].fd, &result->err, process->limit_output);
}

/* -ECHILD where our caller ignores SIGCHLD: then nobody knows how it ended. */
static int reap(pid_t child, int *ret_status)
{
	int status = 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static int abandon(pid_t child, int rc)
{
	int status;
	kill(child, SIGKILL);
	reap(child, &status);
	return rc;
}

int iov_process_run(const struct iov_process *process, struct iov_process_result *ret)
{
	iov_auto(close_pipe) struct pipe_ends out = {-1, -1}, err = {-1, -1}, report = {-1, -1};
	int rc = open_pipe(&out);
	if (!rc)
		rc = open_pipe(&err);
	if (!rc)
		rc = open_pipe(&report);
	if (rc)
		return rc;
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		run_child(process, out.write, err.write, report.write);
	setpgid(child, child); /* both sides do, so that neither needs to wait for the other */
	close_write_end(&out);
	close_write_end(&err);
	close_write_end(&report);
	rc = start_error(report.read);
	if (rc)
		return abandon(child, -rc);
	iov_auto(iov_close_fd) int pidfd = pidfd_open(child, 0);
	if (pidfd < 0)
		return abandon(child, -errno);
	struct iov_process_result result = {0};
	follow(process, child, pidfd, out.read, err.read, &result);
	rc = reap(child, &result.status);
	if (!rc && (iov_buf_failed(&result.out) || iov_buf_failed(&result.err)))
		rc = -ENOMEM;
	if (rc) {
		iov_process_result_release(&result);
		return rc;
	}
	*ret = result;
	return 0;
}

void iov_process_result_release(struct iov_process_result *result)
{
	iov_buf_release(&result->out);
	iov_buf_release(&result->err);
	*result = (struct iov_process_result){0};
}
