/* A ring buffer that an upgrade replaces by one of another size: who reads it takes out what is in it first. */
#ifndef IOV_ENGINE_RING_H
#define IOV_ENGINE_RING_H

#include "core/ctx.h"

/*
 * Nobody writes to it any more. Waits as long as a reader makes headway, for a bounded time, and gives the number of
 * records that nobody took out.
 */
int iov_ring_drain(struct iov_ctx *ctx, int map, uint64_t *ret_left);

#endif
