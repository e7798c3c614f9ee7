/* The configured registries, opened and brought up to date as a command needs them. */
#ifndef IOV_OPS_REGISTRIES_H
#define IOV_OPS_REGISTRIES_H

#include "registry/registry.h"

/* For questions: as fresh as can be had. A registry that cannot be reached is a warning: its last verified state
 * answers. */
int iov_registries_open_fresh(struct iov_ctx *ctx, struct iov_registries **ret);
/* For changes: updated unless offline, or an error. */
int iov_registries_open_updated(struct iov_ctx *ctx, struct iov_registries **ret);
/* IOV_E_NOT_FOUND with the remedy when this host knows no registry at all, so that `name` cannot be found. */
int iov_registries_need_one(struct iov_ctx *ctx, const struct iov_registries *registries, const char *name);
/* For iov_auto(). */
void iov_registries_close(struct iov_registries **registries);

#endif
