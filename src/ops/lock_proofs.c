#include "ops/lock_proofs.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* The proof that the lock before has of these bytes, as far as it is one. A new reference. */
static json_t *earlier(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *before,
		       const struct iov_release *release)
{
	const struct iov_manifest *manifest = release->manifest;
	const struct iov_locked *row = iov_lockfile_find(before, manifest->name);
	iov_auto(iov_json_release) json_t *chain = NULL;
	if (!row || !row->proof || strcmp(row->sha256, release->sha256) != 0)
		return NULL;
	struct iov_saved_error saved = iov_error_save(ctx);
	bool good = !iov_registries_prove_by(ctx, registries, row->proof, release, &chain);
	if (!good)
		iov_warn(ctx, "the lock's proof of '%s' %s was wrong, and is made anew: %s", manifest->name,
			 manifest->version.text, iov_error_text(ctx));
	iov_error_restore(ctx, saved);
	return good ? json_incref(row->proof) : NULL;
}

static bool share_registry(const struct iov_release *a, const struct iov_release *b)
{
	return a->registry && b->registry && !strcmp(a->registry, b->registry);
}

static void forget_registry(const struct iov_release *const *chosen, size_t count, const struct iov_release *of,
			    json_t **proofs)
{
	for (size_t i = 0; i < count; i++)
		if (share_registry(chosen[i], of))
			json_decref(iov_take(proofs[i]));
}

static int make(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release, json_t **ret)
{
	const struct iov_manifest *manifest = release->manifest;
	iov_auto(iov_json_release) json_t *chain = NULL;
	iov_auto(iov_json_release) json_t *proof = NULL;
	int rc = iov_registries_proof(ctx, registries, release, &proof);
	if (rc == IOV_E_NETWORK && ctx->config.offline) {
		iov_warn(ctx,
			 "the lock has no proof of '%s' %s, since that is read from the registry; lock again "
			 "without --offline",
			 manifest->name, manifest->version.text);
		return IOV_OK;
	}
	if (!rc)
		rc = iov_proof_check(ctx, proof, release, &chain);
	if (rc)
		return iov_error_prefix(ctx, "module '%s' %s", manifest->name, manifest->version.text);
	*ret = iov_take(proof);
	return IOV_OK;
}

static int fill(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *before,
		const struct iov_release *const *chosen, size_t count, json_t **proofs)
{
	int rc = IOV_OK;
	for (size_t i = 0; i < count; i++)
		proofs[i] = earlier(ctx, registries, before, chosen[i]);
	for (size_t i = 0; !ctx->config.offline && i < count; i++)
		if (!proofs[i])
			forget_registry(chosen, count, chosen[i], proofs);
	for (size_t i = 0; !rc && i < count; i++)
		if (!proofs[i])
			rc = make(ctx, registries, chosen[i], &proofs[i]);
	return rc;
}

int iov_lock_proofs(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *before,
		    const struct iov_release *const *chosen, size_t count, json_t ***ret)
{
	json_t **proofs = calloc(count + 1, sizeof(json_t *));
	int rc = proofs ? fill(ctx, registries, before, chosen, count, proofs) : iov_oom(ctx);
	if (rc)
		iov_lock_proofs_free(proofs, count);
	else
		*ret = proofs;
	return rc;
}

void iov_lock_proofs_free(json_t **proofs, size_t count)
{
	for (size_t i = 0; proofs && i < count; i++)
		json_decref(proofs[i]);
	free(proofs);
}
