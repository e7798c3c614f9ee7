/*
 * iovpkg-worker and iovpkg-worker-http: everything that touches the outside (git, archives; HTTP), in a process that
 * may do next to nothing. It does the one job that its socket asks for, and exits. Not for people: without that socket
 * it says so and ends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/job.h"
#include "worker/sandbox.h"

static const struct iov_job_row *find_row(const char *name)
{
	for (const struct iov_job_row *row = iov_job_rows; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

static int receive_request(struct iov_job *job)
{
	if (iov_frame_init(&job->frame))
		return iov_oom(job->ctx);
	if (iov_frame_receive(job->sock, &job->frame, 0) || job->frame.type != IOV_FRAME_REQUEST)
		return iov_error(job->ctx, IOV_E_INTERNAL, "the worker got no request");
	return iov_json_parse(job->ctx, "worker request", job->frame.payload, job->frame.len, IOV_FRAME_MAX,
			      &job->request);
}

static int run(struct iov_job *job)
{
	const char *name;
	int rc = receive_request(job);
	rc = rc ? rc : iov_job_string(job, "job", &name);
	if (rc)
		return rc;
	const struct iov_job_row *row = find_row(name);
	if (!row)
		return iov_error(job->ctx, IOV_E_INTERNAL, "the worker knows no job '%s'; reinstall iovpkg", name);
	rc = iov_sandbox_enter(job, row->kind);
	return rc ? rc : row->run(job);
}

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

int main(void)
{
	if (!is_socket(IOV_WORKER_SOCKET)) {
		fputs("iovpkg-worker is started by iovpkg; there is nothing to run by hand\n", stderr);
		return IOV_E_USAGE;
	}
	struct iov_job job = {.sock = IOV_WORKER_SOCKET};
	if (iov_ctx_new(NULL, &job.ctx))
		return IOV_E_INTERNAL;
	int rc = run(&job);
	if (rc)
		iov_frame_send_error(job.sock, (uint8_t)rc, iov_error_text(job.ctx));
	else
		iov_frame_send(job.sock, IOV_FRAME_END, job.answer, strlen(job.answer), 0);
	/* Nothing is left to write, and the kernel frees memory faster than the libraries do. */
	_exit(rc);
}
