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
/* What a collection removes: a generation, or an entry of the store that no kept generation names. */
struct iov_garbage {
	uint64_t generation;
	const char *entry; /* NULL: it is the generation */
};
typedef int (*iov_each_garbage)(struct iov_ctx *ctx, const struct iov_garbage *garbage, void *data);
/* Calls `each` with all of it, when the newest `keep` generations stay, and the current one. */
int iov_generation_garbage(struct iov_ctx *ctx, size_t keep, iov_each_garbage each, void *data);
int iov_garbage_remove(struct iov_ctx *ctx, const struct iov_garbage *garbage);
/* Drops generations beyond the kept ones, then store entries that none names. */
int iov_generation_collect(struct iov_ctx *ctx);

#endif
