/* The archive half of worker.h. Files are opened here and their bytes passed on; the worker sees no path of this host.
 */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/release.h"
#include "util/cleanup.h"
#include "worker/client.h"

#define ARCHIVE_SECONDS 300 /* level 19 packs 128 MiB in about a minute */

/* ---- pack ------------------------------------------------------------------------------------------------------- */

static int open_source(struct iov_ctx *ctx, const char *path, int *ret_fd, uint64_t *ret_size)
{
	struct stat st;
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (*ret_fd < 0 && errno == ELOOP)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is a symbolic link; replace it by the file", path);
	if (*ret_fd < 0 || fstat(*ret_fd, &st))
		return iov_error_errno(ctx, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not a plain file", path);
	*ret_size = (uint64_t)st.st_size;
	return IOV_OK;
}

static int send_content(struct iov_ctx *ctx, struct iov_worker *worker, const char *path, int fd, uint64_t size)
{
	char chunk[IOV_FRAME_MAX];
	int rc = IOV_OK;
	while (size && !rc && !worker->gone) {
		ssize_t got = read(fd, chunk, size < sizeof(chunk) ? size : sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return iov_error_errno(ctx, errno, "cannot read '%s'", path);
		if (got == 0)
			return iov_error(ctx, IOV_E_IO, "'%s' became shorter while it was packed; try again", path);
		size -= (uint64_t)got;
		rc = iov_worker_send_data(ctx, worker, chunk, (size_t)got);
	}
	return rc;
}

static int send_entry(struct iov_ctx *ctx, struct iov_worker *worker, const struct iov_pack_entry *entry)
{
	iov_auto(iov_close_fd) int fd = -1;
	uint64_t size = 0;
	int rc = open_source(ctx, entry->source, &fd, &size);
	rc = rc ? rc : iov_worker_send_file(ctx, worker, entry->path, size);
	return rc ? rc : send_content(ctx, worker, entry->source, fd, size);
}

static int check_entries(struct iov_ctx *ctx, const struct iov_pack_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!iov_is_archive_path(entries[i].path))
			return iov_error(ctx, IOV_E_INPUT,
					 "'%s' cannot be a path in an archive; use plain ASCII names of at most %d "
					 "bytes",
					 entries[i].path, IOV_PATH_MAX);
		if (i && strcmp(entries[i - 1].path, entries[i].path) >= 0)
			return iov_error(ctx, IOV_E_INTERNAL, "files to pack are not sorted at '%s'", entries[i].path);
	}
	return IOV_OK;
}

int iov_archive_pack(struct iov_ctx *ctx, const struct iov_pack_entry *entries, size_t count, int out_fd)
{
	struct iov_worker_job job = {"packing", "archive", ARCHIVE_SECONDS, 0, IOV_E_IO};
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = check_entries(ctx, entries, count);
	rc = rc ? rc : iov_worker_start(ctx, &job, json_pack("{s:s}", "job", "pack"), out_fd, &worker);
	for (size_t i = 0; i < count && !rc; i++)
		rc = send_entry(ctx, &worker, &entries[i]);
	return rc ? rc : iov_worker_finish(ctx, &worker);
}

/* ---- unpack ----------------------------------------------------------------------------------------------------- */

/* The worker has refused what is not allowed; this is for a worker that was taken over while it did. */
struct unpacking {
	const struct iov_unpack_limits *limits;
	iov_unpack_sink sink;
	void *cookie;
	char path[IOV_PATH_MAX + 1];
	uint64_t size, missing;
	uint64_t total;
	size_t files;
};

static bool accept_file(struct unpacking *unpacking, const struct iov_frame *frame)
{
	const char *path;
	uint64_t size;
	if (unpacking->missing || !iov_frame_parse_file(frame, &path, &size))
		return false;
	if (!iov_is_archive_path(path) || strcmp(unpacking->path, path) >= 0 ||
	    unpacking->files == unpacking->limits->files)
		return false;
	if (size > unpacking->limits->unpacked - unpacking->total)
		return false;
	memcpy(unpacking->path, path, strlen(path) + 1); /* iov_is_archive_path() has measured it */
	unpacking->size = unpacking->missing = size;
	unpacking->total += size;
	unpacking->files++;
	return true;
}

static int take_frame(struct iov_ctx *ctx, struct iov_worker *worker, struct unpacking *unpacking)
{
	const struct iov_frame *frame = &worker->frame;
	if (frame->type == IOV_FRAME_FILE) {
		if (!accept_file(unpacking, frame))
			return iov_worker_nonsense(ctx, worker);
		return unpacking->sink(ctx, unpacking->path, unpacking->size, NULL, 0, unpacking->cookie);
	}
	if (frame->len > unpacking->missing)
		return iov_worker_nonsense(ctx, worker);
	unpacking->missing -= frame->len;
	return unpacking->sink(ctx, unpacking->path, unpacking->size, frame->payload, frame->len, unpacking->cookie);
}

int iov_archive_unpack(struct iov_ctx *ctx, int in_fd, const struct iov_unpack_limits *limits, iov_unpack_sink sink,
		       void *cookie)
{
	struct iov_worker_job job = {"unpacking", "archive", ARCHIVE_SECONDS, limits->unpacked, IOV_E_UNTRUSTED};
	struct unpacking unpacking = {.limits = limits, .sink = sink, .cookie = cookie};
	json_t *request = json_pack("{s:s, s:I, s:I}", "job", "unpack", "unpacked", (json_int_t)limits->unpacked,
				    "files", (json_int_t)limits->files);
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, &job, request, in_fd, &worker);
	rc = rc ? rc : iov_worker_end_input(ctx, &worker);
	while (!rc && !(rc = iov_worker_next(ctx, &worker)) && worker.frame.type != IOV_FRAME_END)
		rc = take_frame(ctx, &worker, &unpacking);
	return !rc && unpacking.missing ? iov_worker_nonsense(ctx, &worker) : rc;
}
