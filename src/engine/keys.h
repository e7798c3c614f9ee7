/* The keys of maps that programs cannot walk, listed by us and given to a program as an array. */
#ifndef IOV_ENGINE_KEYS_H
#define IOV_ENGINE_KEYS_H

#include "core/ctx.h"

struct iov_keys {
	char *data;  /* sorted by bytes */
	size_t size; /* bytes of one */
	size_t count;
};

int iov_keys_list(struct iov_ctx *ctx, int map, struct iov_keys *ret);
void iov_keys_release(struct iov_keys *keys);
/* Leaves those that `others` does not have. */
void iov_keys_subtract(struct iov_keys *keys, const struct iov_keys *others);
/* An array map of them; the descriptor is the caller's. There must be one at least. */
int iov_keys_map(struct iov_ctx *ctx, const struct iov_keys *keys, int *ret);

#endif
