/* The jobs on archives: they hold one open file and the socket, and can open nothing. */
#include "util/cleanup.h"
#include "worker/archive.h"
#include "worker/job.h"

static int send_piece(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	(void)ctx;
	return data ? iov_job_send_data(cookie, data, len) : iov_job_send_file(cookie, path, size);
}

int iov_job_unpack(struct iov_job *job)
{
	uint64_t unpacked, files;
	int rc = iov_job_uint(job, "unpacked", &unpacked);
	rc = rc ? rc : iov_job_uint(job, "files", &files);
	rc = rc ? rc : iov_job_no_input(job);
	if (rc)
		return rc;
	struct iov_unpack_limits limits = {.unpacked = unpacked, .files = files};
	struct iov_archive_source source = {.fd = IOV_WORKER_FILE};
	return iov_archive_read(job->ctx, &source, &limits, send_piece, job);
}

static int begin_file(struct iov_job *job, struct iov_archive_writer *writer)
{
	const char *path;
	uint64_t size;
	if (!iov_frame_parse_file(&job->frame, &path, &size))
		return iov_error(job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
	return iov_archive_writer_begin(job->ctx, writer, path, size);
}

int iov_job_pack(struct iov_job *job)
{
	iov_auto(iov_archive_writer_release) struct iov_archive_writer writer = {0};
	int rc = iov_archive_writer_open(job->ctx, IOV_WORKER_FILE, &writer);
	while (!rc && !(rc = iov_job_next(job)) && job->frame.type != IOV_FRAME_END)
		rc = job->frame.type == IOV_FRAME_FILE
			     ? begin_file(job, &writer)
			     : iov_archive_writer_add(job->ctx, &writer, job->frame.payload, job->frame.len);
	return rc ? rc : iov_archive_writer_close(job->ctx, &writer);
}
