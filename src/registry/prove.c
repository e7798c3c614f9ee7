#include "registry/registries.h"

#include "registry/proof.h"
#include "util/cleanup.h"

#define TILES_MAX 64 /* of the log, kept at hand from one proof to the next: 64 bundles of entries have about 5 MB */

/* ---- making: all that is needed to check a release without its registry ---- */

static int add_roots(struct iov_ctx *ctx, const struct iov_trust *trust, json_t *proof)
{
	json_t *roots = json_array();
	for (size_t i = 0; i < trust->n_roots; i++)
		if (json_array_append_new(roots, json_stringn(trust->roots[i]->bytes.data, trust->roots[i]->bytes.len)))
			break;
	bool whole = json_array_size(roots) == trust->n_roots;
	return json_object_set_new(proof, "roots", roots) || !whole ? iov_oom(ctx) : IOV_OK;
}

/* The log under the head that is trusted; what was read of it for one proof serves the next. */
static struct iov_log *log_of(struct iov_registry *registry)
{
	if (registry->log.n_tiles > TILES_MAX)
		iov_log_release(&registry->log);
	if (!registry->log.source) {
		registry->source = iov_trust_source(registry->trust);
		iov_log_init(&registry->log, &registry->source, registry->trust->head.log_size);
	}
	return &registry->log;
}

static int add_entry(struct iov_ctx *ctx, struct iov_registry *registry, uint64_t position, json_t *proof)
{
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	struct iov_proof path = {.count = 0};
	json_t *hashes = json_array();
	int rc = iov_log_prove_entry(ctx, log_of(registry), position, &entry, &path);
	for (size_t i = 0; !rc && i < path.count; i++) {
		char hex[IOV_HEX_SIZE];
		iov_hex(path.hashes[i].bytes, sizeof(path.hashes[i].bytes), hex);
		json_array_append_new(hashes, json_string(hex));
	}
	int bad = json_object_set_new(proof, "hashes", hashes);
	if (rc) {
		iov_log_release(&registry->log); /* what it could not read is not for the next proof to want */
		return iov_error_prefix(ctx, "registry '%s'", registry->trust->name);
	}
	bad |= json_object_set_new(proof, "leaf", json_stringn(entry.data, entry.len));
	return bad ? iov_oom(ctx) : IOV_OK;
}

static int make(struct iov_ctx *ctx, struct iov_registry *registry, const struct iov_release *release, json_t **ret)
{
	const struct iov_trust *trust = registry->trust;
	iov_auto(iov_json_release) json_t *proof =
		json_pack("{s:s, s:s}", "fingerprint", trust->fingerprint, "head", trust->note);
	int rc = proof ? add_entry(ctx, registry, release->log, proof) : iov_oom(ctx);
	if (!rc)
		rc = add_roots(ctx, trust, proof);
	if (!rc)
		*ret = iov_take(proof);
	return rc;
}

/* ---- of the registries of this host ---- */

static struct iov_registry *registry_of(struct iov_registries *registries, const struct iov_release *release)
{
	return iov_registries_find(registries, release->registry ? release->registry : "");
}

static bool is_cheap(const struct iov_registry *registry)
{
	return !registry->trust->sparse;
}

bool iov_registries_prove_cheaply(struct iov_registries *registries, const struct iov_release *release)
{
	const struct iov_registry *registry = registry_of(registries, release);
	return registry && is_cheap(registry);
}

static int gone(struct iov_ctx *ctx, const struct iov_release *release)
{
	return iov_error(
		ctx, IOV_E_NOT_FOUND, "'%s' %s came from registry '%s', which this host no longer has; add it again",
		release->manifest->name, release->manifest->version.text, release->registry ? release->registry : "");
}

/* One that was kept under the same head spares the requests. */
static int obtain(struct iov_ctx *ctx, struct iov_registry *registry, const struct iov_release *release, json_t **ret,
		  bool *ret_kept)
{
	iov_auto(iov_json_release) json_t *kept =
		is_cheap(registry) ? NULL : iov_proof_recall(ctx, registry->trust, release);
	*ret_kept = kept && iov_proof_is_newest(registry->trust, kept);
	if (!*ret_kept)
		return make(ctx, registry, release, ret);
	*ret = iov_take(kept);
	return IOV_OK;
}

int iov_registries_proof(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret)
{
	bool kept;
	struct iov_registry *registry = registry_of(registries, release);
	return registry ? obtain(ctx, registry, release, ret, &kept) : gone(ctx, release);
}

int iov_registries_prove(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret)
{
	bool kept = false;
	iov_auto(iov_json_release) json_t *proof = NULL;
	struct iov_registry *registry = registry_of(registries, release);
	int rc = registry ? obtain(ctx, registry, release, &proof, &kept) : gone(ctx, release);
	if (!rc)
		rc = iov_proof_check(ctx, proof, release, ret);
	if (!rc && !kept && !is_cheap(registry))
		iov_proof_keep(ctx, registry->trust, release, proof);
	return rc;
}

int iov_registries_prove_by(struct iov_ctx *ctx, struct iov_registries *registries, const json_t *proof,
			    const struct iov_release *release, json_t **ret)
{
	const struct iov_registry *registry = registry_of(registries, release);
	return registry ? iov_proof_check_trusted(ctx, registry->trust, proof, release, ret)
			: iov_proof_check(ctx, proof, release, ret);
}

json_t *iov_registries_kept_proof(struct iov_ctx *ctx, struct iov_registries *registries,
				  const struct iov_release *release)
{
	const struct iov_registry *registry = registry_of(registries, release);
	return registry ? iov_proof_recall(ctx, registry->trust, release) : NULL;
}
