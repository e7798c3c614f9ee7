#include "registry/source.h"

#include "util/cleanup.h"

#define BATCH 256 /* paths in one question to the worker: about 20 KB of the 64 KB that a request may have */

static int read_git(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		    size_t limit, struct iov_buf *ret)
{
	for (size_t at = 0; at < count; at += BATCH) {
		size_t some = count - at < BATCH ? count - at : BATCH;
		int rc = iov_git_read_many(ctx, source->repo, source->commit, paths + at, some, limit, ret + at);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

struct iov_source iov_source_git(const char *repo, const char *commit)
{
	return (struct iov_source){.read = read_git, .repo = repo, .commit = commit};
}

int iov_source_read(struct iov_ctx *ctx, const struct iov_source *source, const char *path, size_t limit,
		    struct iov_buf *ret)
{
	int rc = source->read(ctx, source, &path, 1, limit, ret);
	if (!rc && !ret->data)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the registry has no file '%s'; tell its host", path);
	return rc;
}

void iov_bufs_release(struct iov_buf *bufs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		iov_buf_release(&bufs[i]);
}
