/* What the lock of a host manifest proves: that its releases are what their registries have published. */
#ifndef IOV_OPS_LOCK_PROOFS_H
#define IOV_OPS_LOCK_PROOFS_H

#include "registry/registry.h"
#include "state/lockfile.h"

/* Proofs of what a lock is to have, one for each of `chosen`. Those of the lock before stay where all releases of a
 * registry stay; otherwise all of that registry's are made anew, and share its head. Offline, what cannot be made is a
 * warning and NULL. The array and its references are the caller's: iov_lock_proofs_free(). */
int iov_lock_proofs(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *before,
		    const struct iov_release *const *chosen, size_t count, json_t ***ret);
void iov_lock_proofs_free(json_t **proofs, size_t count);

#endif
