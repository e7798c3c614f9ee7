/* Is a release what its registry published? By a proof alone, and by what this host trusts of the registry. */
#include "registry/proof.h"

#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/event.h"
#include "registry/index.h"
#include "registry/log.h"
#include "util/cleanup.h"

/* What a proof says, link by link. */
struct chain {
	const char *registry; /* for errors; borrowed */
	const json_t *proof;
	struct iov_root *root; /* the last one */
	struct iov_head head;
};

static void chain_release(struct chain *chain)
{
	iov_root_free(chain->root);
}

static int next_root(struct iov_ctx *ctx, struct chain *chain, const char *note)
{
	struct iov_root *root = NULL;
	int rc = iov_root_parse(ctx, "a root in the proof", note, strlen(note), &root);
	if (!rc && chain->root)
		rc = iov_root_check_next(ctx, "a root in the proof", chain->root, root);
	const char *pin = json_string_value(json_object_get(chain->proof, "fingerprint"));
	if (!rc && !chain->root && (!pin || strcmp(pin, root->fingerprint) != 0))
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "the first root in the proof is not the one that was pinned");
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	iov_root_free(chain->root);
	chain->root = root;
	return IOV_OK;
}

static int check_roots(struct iov_ctx *ctx, struct chain *chain)
{
	json_t *roots = NULL, *note;
	size_t i;
	int rc = iov_json_get_array(ctx, "proof", chain->proof, "roots", &roots);
	json_array_foreach(roots, i, note) {
		if (!rc)
			rc = next_root(ctx, chain, json_is_string(note) ? json_string_value(note) : "");
	}
	return rc || chain->root ? rc : iov_error(ctx, IOV_E_UNTRUSTED, "the proof has no root");
}

static int get_path(struct iov_ctx *ctx, const json_t *proof, struct iov_proof *ret)
{
	json_t *hashes = NULL, *hash;
	size_t i;
	int rc = iov_json_get_array(ctx, "proof", proof, "hashes", &hashes);
	*ret = (struct iov_proof){.count = 0};
	json_array_foreach(hashes, i, hash) {
		const char *hex = json_string_value(hash);
		if (i >= IOV_PROOF_MAX || !hex || !iov_unhex(hex, ret->hashes[i].bytes, sizeof(ret->hashes[i].bytes)))
			return iov_error(ctx, IOV_E_UNTRUSTED, "the proof's 'hashes' are no list of digests");
		ret->count++;
	}
	return rc;
}

static int check_entry(struct iov_ctx *ctx, const struct chain *chain, const struct iov_release *release)
{
	const char *text = "";
	struct iov_proof path;
	int rc = iov_json_get_string(ctx, "proof", chain->proof, "leaf", &text);
	if (!rc)
		rc = get_path(ctx, chain->proof, &path);
	if (rc)
		return rc;
	size_t len = strlen(text) <= IOV_LEAF_MAX ? strlen(text) : 0;
	struct iov_hash leaf = iov_merkle_leaf(text, (uint16_t)len);
	if (!iov_merkle_included(release->log, chain->head.log_size, &leaf, path.hashes, path.count,
				 &chain->head.log_root))
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the log of registry '%s' does not hold its own entry %llu (fork); compare its "
				 "checkpoint with what others see",
				 chain->registry, (unsigned long long)release->log);
	return iov_event_check(ctx, chain->registry, text, len, release);
}

static json_t *describe(const struct chain *chain, const struct iov_release *release, json_t *publishers)
{
	const struct iov_head *head = &chain->head;
	char issued[IOV_TIME_SIZE], expires[IOV_TIME_SIZE], log_root[IOV_HEX_SIZE];
	iov_time_text(head->issued, issued);
	iov_time_text(head->expires, expires);
	iov_hex(head->log_root.bytes, sizeof(head->log_root.bytes), log_root);
	return json_pack("{s:s, s:b, s:{s:s, s:s, s:I}, s:{s:I, s:s, s:I}, s:s, s:O, s:s, s:{s:O, s:I}, s:s}",
			 "archive", release->sha256, "expired", time(NULL) >= head->expires, "head", "expires", expires,
			 "issued", issued, "version", (json_int_t)head->version, "log", "position",
			 (json_int_t)release->log, "root", log_root, "size", (json_int_t)head->log_size, "name",
			 release->manifest->name, "publishers", publishers, "registry", chain->registry, "root",
			 "fingerprint", json_object_get(chain->proof, "fingerprint"), "version",
			 (json_int_t)chain->root->version, "version", release->manifest->version.text);
}

int iov_proof_check(struct iov_ctx *ctx, const json_t *proof, const struct iov_release *release, json_t **ret)
{
	const char *head = "";
	iov_auto(iov_json_release) json_t *publishers = NULL;
	iov_auto(chain_release) struct chain chain = {.registry = release->registry ? release->registry : "",
						      .proof = proof};
	int rc = check_roots(ctx, &chain);
	if (!rc)
		rc = iov_json_get_string(ctx, "proof", proof, "head", &head);
	if (!rc)
		rc = iov_head_parse(ctx, chain.registry, head, strlen(head), chain.root, &chain.head);
	if (!rc)
		rc = iov_index_check_signatures(ctx, chain.registry, chain.root, release, &publishers);
	if (!rc)
		rc = check_entry(ctx, &chain, release);
	if (rc)
		return rc == IOV_E_INPUT ? iov_error(ctx, IOV_E_UNTRUSTED, "%s", iov_error_text(ctx)) : rc;
	*ret = describe(&chain, release, publishers);
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* ---- what this host has come to trust counts more than what a proof says ---- */

static int check_pin(struct iov_ctx *ctx, const struct iov_trust *trust, const json_t *proof)
{
	const char *fingerprint = json_string_value(json_object_get(proof, "fingerprint"));
	if (fingerprint && !strcmp(fingerprint, trust->fingerprint))
		return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the proof begins with a root of the fingerprint %.64s, but this host trusts %s as registry "
			 "'%s'",
			 fingerprint ? fingerprint : "", trust->fingerprint, trust->name);
}

/* A root that goes on from an older log takes back what came after, and a proof from before does not know of it. */
static int check_resumed(struct iov_ctx *ctx, const struct iov_trust *trust, const json_t *proof,
			 const struct iov_release *release)
{
	for (size_t i = json_array_size(json_object_get(proof, "roots")); i < trust->n_roots; i++) {
		const struct iov_root *root = trust->roots[i];
		if (root->resumes && release->log >= root->resume_size)
			return iov_error(ctx, IOV_E_UNTRUSTED,
					 "root %llu of registry '%s' goes on from entry %llu of the log, so entry %llu "
					 "was taken back after the proof was made (stolen key)",
					 (unsigned long long)root->version, trust->name,
					 (unsigned long long)root->resume_size, (unsigned long long)release->log);
	}
	return IOV_OK;
}

int iov_proof_check_trusted(struct iov_ctx *ctx, const struct iov_trust *trust, const json_t *proof,
			    const struct iov_release *release, json_t **ret)
{
	iov_auto(iov_json_release) json_t *publishers = NULL;
	int rc = check_pin(ctx, trust, proof);
	if (!rc)
		rc = check_resumed(ctx, trust, proof, release);
	if (!rc)
		rc = iov_index_check_signatures(ctx, trust->name, iov_trust_root(trust), release, &publishers);
	return rc ? rc : iov_proof_check(ctx, proof, release, ret);
}
