#include "store/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

struct unpacking {
	const struct iov_release *release;
	const char *dir;
	bool *seen; /* by position in release->files */
	/* The file that is being written; NULL before the first. */
	const struct iov_file *file;
	char *path;
	int fd;
	uint64_t written;
	struct iov_digest *digest;
};

static void leave_file(struct unpacking *unpacking)
{
	iov_close_fd(&unpacking->fd);
	iov_digest_free(unpacking->digest);
	free(unpacking->path);
	unpacking->fd = -1;
	unpacking->digest = NULL;
	unpacking->path = NULL;
	unpacking->file = NULL;
}

static int refuse(struct iov_ctx *ctx, const struct unpacking *unpacking, const char *path, const char *why)
{
	const struct iov_manifest *manifest = unpacking->release->manifest;
	return iov_error(ctx, IOV_E_UNTRUSTED, "archive of '%s' %s: file '%s' %s; nothing was kept", manifest->name,
			 manifest->version.text, iov_is_archive_path(path) ? path : "?", why);
}

static int open_file(struct iov_ctx *ctx, struct unpacking *unpacking, const struct iov_file *file)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", unpacking->dir, file->path);
	unpacking->path = iov_buf_take(&path);
	if (!unpacking->path)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(unpacking->path, 0755);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot make the folder of '%s'", unpacking->path);
	unpacking->fd = open(unpacking->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (unpacking->fd < 0)
		return iov_error_errno(ctx, errno, "cannot make '%s'", unpacking->path);
	unpacking->file = file;
	unpacking->written = 0;
	return iov_digest_new_for(ctx, file->size, &unpacking->digest);
}

/* The file that came last is whole, and what the record says. */
static int finish_file(struct iov_ctx *ctx, struct unpacking *unpacking)
{
	if (!unpacking->file)
		return IOV_OK;
	char sha256[IOV_HEX_SIZE];
	iov_digest_end_hex(unpacking->digest, sha256);
	const struct iov_file *file = unpacking->file;
	if (unpacking->written != file->size || strcmp(sha256, file->sha256) != 0)
		return refuse(ctx, unpacking, file->path, "is not what the signed release says");
	leave_file(unpacking);
	return IOV_OK;
}

static int begin_file(struct iov_ctx *ctx, struct unpacking *unpacking, const char *path)
{
	int rc = finish_file(ctx, unpacking);
	if (rc)
		return rc;
	const struct iov_file *file = iov_release_file(unpacking->release, path);
	if (!file)
		return refuse(ctx, unpacking, path, "is not in the signed release");
	bool *seen = &unpacking->seen[file - unpacking->release->files];
	if (*seen)
		return refuse(ctx, unpacking, path, "comes twice");
	*seen = true;
	return open_file(ctx, unpacking, file);
}

static int sink(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	(void)size; /* a worker's word; what counts is what arrives */
	struct unpacking *unpacking = cookie;
	if (!data)
		return begin_file(ctx, unpacking, path);
	if (!unpacking->file || len > unpacking->file->size - unpacking->written)
		return refuse(ctx, unpacking, path, "is longer than the signed release says");
	int rc = iov_fs_write_fd(unpacking->fd, data, len);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot write '%s'", unpacking->path);
	iov_digest_add(unpacking->digest, data, len);
	unpacking->written += len;
	return IOV_OK;
}

static int check_complete(struct iov_ctx *ctx, const struct unpacking *unpacking)
{
	for (size_t i = 0; i < unpacking->release->n_files; i++)
		if (!unpacking->seen[i])
			return refuse(ctx, unpacking, unpacking->release->files[i].path, "is missing");
	return IOV_OK;
}

int iov_store_unpack(struct iov_ctx *ctx, const struct iov_release *release, const char *archive, const char *dir)
{
	iov_auto(iov_close_fd) int fd = open(archive, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open the archive '%s'", archive);
	iov_auto(iov_free_ptr) bool *seen = calloc(release->n_files + 1, sizeof(*seen));
	if (!seen)
		return iov_oom(ctx);
	iov_auto(leave_file) struct unpacking unpacking = {.release = release, .dir = dir, .seen = seen, .fd = -1};
	struct iov_unpack_limits limits = {.unpacked = release->unpacked, .files = release->n_files};
	int rc = iov_archive_unpack(ctx, fd, &limits, sink, &unpacking);
	if (!rc)
		rc = finish_file(ctx, &unpacking);
	return rc ? rc : check_complete(ctx, &unpacking);
}
