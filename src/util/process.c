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
#include "util/fs.h"
#include "util/powers.h"

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

/* All of the input, which then waits there: nothing has to be written while the program runs. */
static int fill_pipe(struct pipe_ends *ends, const void *input, size_t len)
{
	int rc = open_pipe(ends);
	if (!rc && fcntl(ends->write, F_SETFL, O_NONBLOCK))
		rc = -errno;
	if (!rc)
		rc = iov_fs_write_fd(ends->write, input, len);
	close_write_end(ends);
	return rc == -EAGAIN ? -E2BIG : rc;
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
	       limit(RLIMIT_FSIZE, process->limit_file) || limit(RLIMIT_NPROC, process->limit_processes);
}

static int set_streams(int in, int out, int err)
{
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	return in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0;
}

/* Signals as a fresh program expects them, whatever our caller has blocked or ignored. */
static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void __attribute__((noreturn)) run_child(const struct iov_process *process, int in, int out, int err, int report)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	if (!set_streams(in, out, err) && (!process->directory || !chdir(process->directory)) && !set_limits(process) &&
	    (!process->powerless || !iov_powers_drop())) {
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

static void read_or_close(const struct pollfd *slot, int *fd, struct iov_buf *buf, size_t limit_output)
{
	if (!slot->revents || read_some(*fd, buf, limit_output))
		return;
	iov_close_fd(fd);
	*fd = -1;
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

int iov_process_start(const struct iov_process *process, struct iov_running_process *ret)
{
	iov_auto(close_pipe) struct pipe_ends in = {-1, -1}, out = {-1, -1}, err = {-1, -1}, report = {-1, -1};
	int rc = process->input ? fill_pipe(&in, process->input, process->input_len) : 0;
	if (!rc)
		rc = open_pipe(&out);
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
		run_child(process, in.read, out.write, err.write, report.write);
	setpgid(child, child); /* both sides do, so that neither needs to wait for the other */
	close_write_end(&out);
	close_write_end(&err);
	close_write_end(&report);
	rc = start_error(report.read);
	if (rc)
		return abandon(child, -rc);
	int pidfd = pidfd_open(child, 0);
	if (pidfd < 0)
		return abandon(child, -errno);
	*ret = (struct iov_running_process){.process = process,
					    .child = child,
					    .pidfd = pidfd,
					    .out = out.read,
					    .err = err.read,
					    .deadline = now_ms() + process->timeout_ms};
	out.read = err.read = -1; /* the run's now */
	return 0;
}

bool iov_process_follow(struct iov_running_process *run, int wait_ms)
{
	const struct iov_process *process = run->process;
	struct pollfd slots[] = {{.fd = run->pidfd, .events = POLLIN},
				 {.fd = run->out, .events = POLLIN},
				 {.fd = run->err, .events = POLLIN}};
	int64_t left = process->timeout_ms ? run->deadline - now_ms() : INT_MAX;
	if (left <= 0)
		run->ended = run->result.timed_out = true;
	if (run->ended)
		return true;
	int ready = poll(slots, IOV_COUNT(slots),
			 wait_ms < 0 || left < wait_ms ? (int)(left > INT_MAX ? INT_MAX : left) : wait_ms);
	if (ready < 0)
		return run->ended = errno != EINTR;
	read_or_close(&slots[1], &run->out, &run->result.out, process->limit_output);
	read_or_close(&slots[2], &run->err, &run->result.err, process->limit_output);
	return run->ended = slots[0].revents != 0;
}

/* The group goes: what the program left behind must not hold our pipes or outlive its limits. The program is not reaped
 * yet, so its number cannot name another group. */
int iov_process_end(struct iov_running_process *run, struct iov_process_result *ret)
{
	if (!run->child)
		return 0;
	kill(-run->child, SIGKILL);
	drain(run->out, &run->result.out, run->process->limit_output);
	drain(run->err, &run->result.err, run->process->limit_output);
	int rc = reap(run->child, &run->result.status);
	if (!rc && (iov_buf_failed(&run->result.out) || iov_buf_failed(&run->result.err)))
		rc = -ENOMEM;
	iov_close_fd(&run->pidfd);
	iov_close_fd(&run->out);
	iov_close_fd(&run->err);
	if (rc || !ret)
		iov_process_result_release(&run->result);
	else
		*ret = run->result;
	*run = (struct iov_running_process){0};
	return rc;
}

int iov_process_run(const struct iov_process *process, struct iov_process_result *ret)
{
	struct iov_running_process run = {.process = process};
	int rc = iov_process_start(process, &run);
	while (!rc && !iov_process_follow(&run, -1))
		;
	return rc ? rc : iov_process_end(&run, ret);
}

void iov_process_result_release(struct iov_process_result *result)
{
	iov_buf_release(&result->out);
	iov_buf_release(&result->err);
	*result = (struct iov_process_result){0};
}
