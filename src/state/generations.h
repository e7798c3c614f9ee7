/*
 * Generations on disk: <state>/generations/<N>/{lock.json,instances.json} and <state>/current -> generations/<N>.
 * Written whole and durable before `current` moves, which is the commit. The newest IOV_GENERATIONS_KEPT are kept, and
 * what `current` names.
 */
#ifndef IOV_STATE_GENERATIONS_H
#define IOV_STATE_GENERATIONS_H

#include "core/generation.h"

#define IOV_GENERATIONS_KEPT 10

/* The current generation; number 0 and empty on a fresh host. Reads releases from the store. */
int iov_generation_current(struct iov_ctx *ctx, struct iov_generation **ret);
int iov_generation_read(struct iov_ctx *ctx, uint64_t number, struct iov_generation **ret);
int iov_generation_current_number(struct iov_ctx *ctx, uint64_t *ret);
int iov_generation_newest_number(struct iov_ctx *ctx, uint64_t *ret); /* highest on disk, current or not */
int iov_generation_numbers(struct iov_ctx *ctx, uint64_t **ret, size_t *ret_count); /* ascending; owned by the caller */
int iov_generation_write(struct iov_ctx *ctx, const struct iov_generation *generation); /* durable, not yet current */
int iov_generation_commit(struct iov_ctx *ctx, uint64_t number);			/* moves `current`, durable */
int iov_generation_remove(struct iov_ctx *ctx, uint64_t number);
/* Drops generations beyond the kept ones, then store entries that none names. */
int iov_generation_collect(struct iov_ctx *ctx);

#endif
