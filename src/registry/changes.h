/* The files that the next commit on a registry's main branch writes or removes. */
#ifndef IOV_REGISTRY_CHANGES_H
#define IOV_REGISTRY_CHANGES_H

#include "worker/worker.h"

struct iov_changes {
	struct iov_git_file *files; /* paths and data are owned here */
	size_t count;
};

/* Copies path and data; a path that is there already gets the new data. */
int iov_changes_put(struct iov_ctx *ctx, struct iov_changes *changes, const char *path, const void *data, size_t len);
int iov_changes_remove(struct iov_ctx *ctx, struct iov_changes *changes, const char *path);
void iov_changes_release(struct iov_changes *changes);

#endif
