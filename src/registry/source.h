/*
 * Where the files of a registry are read from: one commit of a bare repository, where everything read belongs together,
 * or static files over HTTP (sparse.h), where the registry may move on between two of them. A folder in a test is
 * another `read` function.
 */
#ifndef IOV_REGISTRY_SOURCE_H
#define IOV_REGISTRY_SOURCE_H

#include "registry/listing.h"
#include "util/buf.h"
#include "worker/worker.h"

#define IOV_COMMIT_SIZE 65 /* a commit id in hex with its terminator; SHA-256 repositories have the longer ones */

struct iov_source {
	/* Fills `count` empty buffers; an absent file leaves its buffer's data NULL. No file is longer than `limit`
	 * bytes: IOV_E_UNTRUSTED. */
	int (*read)(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		    size_t limit, struct iov_buf *ret);
	/* For sources that keep what was checked: the bytes that `listed` names, if they are at hand; and keeps such
	 * bytes, as far as it can. NULL otherwise. */
	bool (*recall)(const struct iov_source *source, const struct iov_listed *listed, struct iov_buf *ret);
	void (*keep)(const struct iov_source *source, const struct iov_listed *listed, const struct iov_buf *text);
	const char *repo;   /* borrowed */
	const char *commit; /* borrowed */
	void *data;	    /* of other kinds */
};

struct iov_source iov_source_git(const char *repo, const char *commit);

/* One file; IOV_E_UNTRUSTED when it is absent. */
int iov_source_read(struct iov_ctx *ctx, const struct iov_source *source, const char *path, size_t limit,
		    struct iov_buf *ret);
/* The bytes that `listed` names, if they are at hand without a question. */
bool iov_source_recall(const struct iov_source *source, const struct iov_listed *listed, struct iov_buf *ret);
/* Some path gave `text` (data NULL: nothing) where `listed` should be. Keeps it if it is that; otherwise, where files
 * may have moved on, looks for the right one at hand and under its hash. The caller checks what *text is then. */
int iov_source_settle(struct iov_ctx *ctx, const struct iov_source *source, const struct iov_listed *listed,
		      struct iov_buf *text);

void iov_bufs_release(struct iov_buf *bufs, size_t count);

#endif
