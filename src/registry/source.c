#include "registry/source.h"

#include "registry/recent.h"
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

bool iov_source_recall(const struct iov_source *source, const struct iov_listed *listed, struct iov_buf *ret)
{
	return source->recall && source->recall(source, listed, ret);
}

static bool is_listed(const struct iov_listed *listed, const struct iov_buf *text)
{
	return text->data && iov_listed_is(listed, text->data, text->len);
}

int iov_source_settle(struct iov_ctx *ctx, const struct iov_source *source, const struct iov_listed *listed,
		      struct iov_buf *text)
{
	char path[IOV_HASH_PATH_MAX];
	const char *paths = path;
	iov_auto(iov_buf_release) struct iov_buf other = {0};
	if (!source->keep)
		return IOV_OK;
	int rc = IOV_OK;
	bool kept = !is_listed(listed, text) && iov_source_recall(source, listed, &other);
	if (!kept && !is_listed(listed, text)) {
		iov_hash_path(listed->sha256, path);
		rc = source->read(ctx, source, &paths, 1, IOV_INDEX_MAX, &other);
	}
	if (rc)
		return rc;
	if (is_listed(listed, &other)) {
		struct iov_buf wrong = *text;
		*text = other;
		other = wrong;
	}
	if (!kept && is_listed(listed, text))
		source->keep(source, listed, text);
	return IOV_OK;
}

void iov_bufs_release(struct iov_buf *bufs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		iov_buf_release(&bufs[i]);
}
