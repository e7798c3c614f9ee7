#include "worker/job.h"

#include <errno.h>
#include <string.h>

int iov_job_string(struct iov_job *job, const char *key, const char **ret)
{
	return iov_json_get_string(job->ctx, "worker request", job->request, key, ret);
}

int iov_job_uint(struct iov_job *job, const char *key, uint64_t *ret)
{
	return iov_json_get_uint(job->ctx, "worker request", job->request, key, ret);
}

static int broken(struct iov_job *job)
{
	return iov_error(job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
}

int iov_job_next(struct iov_job *job)
{
	if (iov_frame_receive(job->sock, &job->frame, 0))
		return broken(job);
	if (job->frame.type != IOV_FRAME_FILE && job->frame.type != IOV_FRAME_DATA && job->frame.type != IOV_FRAME_END)
		return broken(job);
	return IOV_OK;
}

int iov_job_no_input(struct iov_job *job)
{
	int rc = iov_job_next(job);
	return !rc && job->frame.type != IOV_FRAME_END ? broken(job) : rc;
}

/* The main process is gone, or no longer cares. */
static int unheard(struct iov_job *job, int rc)
{
	return rc ? iov_error_errno(job->ctx, rc, "cannot answer") : IOV_OK;
}

int iov_job_send_file(struct iov_job *job, const char *path, uint64_t size)
{
	return unheard(job, iov_frame_send_file(job->sock, path, size, 0));
}

int iov_job_send_data(struct iov_job *job, const void *data, size_t len)
{
	const char *at = data;
	int rc = 0;
	while (len && !rc) {
		size_t part = len < IOV_FRAME_MAX ? len : IOV_FRAME_MAX;
		rc = iov_frame_send(job->sock, IOV_FRAME_DATA, at, part, 0);
		at += part;
		len -= part;
	}
	return unheard(job, rc);
}

int iov_job_send_credential(struct iov_job *job, bool accepted)
{
	return unheard(job, iov_frame_send_credential(job->sock, accepted));
}
