/*
 * The generation index: one number in the kernel, pinned at <bpffs>/iovpkg/index, that says which generation's programs
 * run. Every entry program reads it and calls the program in slot `number mod 2`, so one store to it moves all armed
 * hooks of the host at once.
 */
#ifndef IOV_HOOKS_INDEX_H
#define IOV_HOOKS_INDEX_H

#include "core/ctx.h"

/* A descriptor of the map. IOV_E_NOT_FOUND where nothing was stored yet. */
int iov_index_open(struct iov_ctx *ctx, int *ret);
/* Makes the index where it is missing. */
int iov_index_store(struct iov_ctx *ctx, uint64_t generation);
/* 0 where there is no index: nothing runs. */
int iov_index_read(struct iov_ctx *ctx, uint64_t *ret);

/* When nothing is left to run. */
int iov_index_remove(struct iov_ctx *ctx);

static inline uint32_t iov_index_slot(uint64_t generation)
{
	return generation & 1;
}

#endif
