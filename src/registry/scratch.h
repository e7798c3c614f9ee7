/* A repository in the cache for what is pushed or fetched once; one for each process. */
#ifndef IOV_REGISTRY_SCRATCH_H
#define IOV_REGISTRY_SCRATCH_H

#include "core/ctx.h"

/* Makes it empty, and removes those of processes that are no more. The path is the caller's. */
int iov_scratch_make(struct iov_ctx *ctx, char **ret_path);
/* Keeps the error that there is. */
void iov_scratch_remove(struct iov_ctx *ctx, const char *path);

#endif
