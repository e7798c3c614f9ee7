/* What lock and apply make of a host manifest: registries that are trusted, wishes, and what its lock holds. */
#ifndef IOV_OPS_HOSTFILE_H
#define IOV_OPS_HOSTFILE_H

#include "core/generation.h"
#include "ops/registries.h"
#include "ops/wish.h"
#include "state/lockfile.h"

/* Pins the registries that the manifest names and this host does not know yet; a dry run refuses instead. One that is
 * known under another fingerprint is refused. */
int iov_hostfile_trust(struct iov_ctx *ctx, const struct iov_hostfile *host, unsigned flags);

int iov_hostfile_wishes(struct iov_ctx *ctx, const struct iov_hostfile *host, struct iov_wished_list *ret);

/* The releases of a lock as the registries have them. One that they do not have, byte for byte, is an error when
 * `all`, and otherwise left out. */
int iov_hostfile_locked(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *lockfile,
			bool all, struct iov_generation **ret);

/* IOV_E_CONFLICT names the first difference between what the manifest asks for and what its lock was made for. */
int iov_hostfile_check_lock(struct iov_ctx *ctx, const struct iov_hostfile *host, const struct iov_lockfile *lockfile);

#endif
