/* Instances in the order in which they are loaded: providers before importers, by name where that does not decide. */
#ifndef IOV_PLAN_ORDER_H
#define IOV_PLAN_ORDER_H

#include "core/generation.h"

/* Positions in generation->instances; the array is the caller's. IOV_E_CONFLICT names a cycle. */
int iov_plan_order(struct iov_ctx *ctx, const struct iov_generation *generation, size_t **ret);

#endif
