/* The hooks of one instance, and how they change. */
#ifndef IOV_PLAN_SITES_H
#define IOV_PLAN_SITES_H

#include "core/plan.h"

/*
 * Fills change->sites from the rest of it: what stays, what comes, what goes. A site is the same when program, section
 * and target are. On failure the sites made so far stay, for iov_plan_free().
 */
int iov_plan_sites(struct iov_ctx *ctx, struct iov_instance_change *change);

#endif
