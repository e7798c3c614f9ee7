/* The maps of one replaced instance, and what becomes of their entries. */
#ifndef IOV_PLAN_MAPS_H
#define IOV_PLAN_MAPS_H

#include "core/plan.h"

/* Fills change->maps. IOV_E_CONTRACT: the entries of a map neither fit nor may be dropped. On failure the maps made so
 * far stay, for iov_plan_free(). */
int iov_plan_maps(struct iov_ctx *ctx, const struct iov_plan *plan, struct iov_instance_change *change);

#endif
