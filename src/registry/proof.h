/*
 * Proofs of releases (registry.h), checked and kept. Over HTTP a proof costs requests, so what was made once is kept as
 * <state>/registries/<name>/proofs/<sha256 of the archive>.json, beside the pin that it is checked from at each use. A
 * cache as checked.h is one: nothing is synced, and what was not used for the longest time goes.
 */
#ifndef IOV_REGISTRY_PROOF_H
#define IOV_REGISTRY_PROOF_H

#include "registry/registry.h"
#include "registry/trust.h"

/* As iov_proof_check(), and nothing that this host trusts of the registry speaks against it: the pin is the proof's,
 * the newest root lets the publisher speak for the name, and no root has taken the log's entry back. */
int iov_proof_check_trusted(struct iov_ctx *ctx, const struct iov_trust *trust, const json_t *proof,
			    const struct iov_release *release, json_t **ret);

/* A new reference; NULL: none is kept, or nothing sound. */
json_t *iov_proof_recall(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release);
/* Was it made under the newest roots and head that this host trusts? */
bool iov_proof_is_newest(const struct iov_trust *trust, const json_t *proof);
/* A proof that cannot be kept is told of, and no error. */
void iov_proof_keep(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release,
		    const json_t *proof);

#endif
