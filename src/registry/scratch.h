/* A repository, or a folder, in the cache for what is pushed, fetched or read once; one for each process. */
#ifndef IOV_REGISTRY_SCRATCH_H
#define IOV_REGISTRY_SCRATCH_H

#include "core/ctx.h"

/* Makes it empty, and removes those of processes that are no more. The path is the caller's. */
int iov_scratch_make(struct iov_ctx *ctx, char **ret_path);
/* The same without a repository in it. */
int iov_scratch_folder(struct iov_ctx *ctx, char **ret_path);
/* Keeps the error that there is. */
void iov_scratch_remove(struct iov_ctx *ctx, const char *path);

#endif
