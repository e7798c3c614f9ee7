/*
 * Where the files of a registry are read from: one commit of a bare repository, so that everything read belongs
 * together. A sparse HTTP site or a folder in a test is another `read` function.
 */
#ifndef IOV_REGISTRY_SOURCE_H
#define IOV_REGISTRY_SOURCE_H

#include "util/buf.h"
#include "worker/worker.h"

#define IOV_COMMIT_SIZE 65 /* a commit id in hex with its terminator; SHA-256 repositories have the longer ones */

struct iov_source {
	/* Fills `count` empty buffers; an absent file leaves its buffer's data NULL. No file is longer than `limit`
	 * bytes: IOV_E_UNTRUSTED. */
	int (*read)(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		    size_t limit, struct iov_buf *ret);
	const char *repo;   /* borrowed */
	const char *commit; /* borrowed */
	void *data;	    /* of other kinds */
};

struct iov_source iov_source_git(const char *repo, const char *commit);

/* One file; IOV_E_UNTRUSTED when it is absent. */
int iov_source_read(struct iov_ctx *ctx, const struct iov_source *source, const char *path, size_t limit,
		    struct iov_buf *ret);

void iov_bufs_release(struct iov_buf *bufs, size_t count);

#endif
