#include "registry/registries.h"

#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/event.h"
#include "registry/log.h"
#include "util/cleanup.h"

#define STATE_MAX (1u << 20) /* bytes of head.json */

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

/* The head's note is kept as it came. */
static int add_head(struct iov_ctx *ctx, const struct iov_trust *trust, json_t *proof)
{
	iov_auto(iov_json_release) json_t *state = NULL;
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/head.json", trust->folder) < 0) {
		path = NULL;
		return iov_oom(ctx);
	}
	int rc = iov_json_read(ctx, path, STATE_MAX, &state);
	return rc ? rc : json_object_set(proof, "head", json_object_get(state, "head")) ? iov_oom(ctx) : IOV_OK;
}

static int add_entry(struct iov_ctx *ctx, const struct iov_trust *trust, uint64_t position, json_t *proof)
{
	struct iov_source source = iov_trust_source(trust);
	iov_auto(iov_log_release) struct iov_log log;
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	struct iov_proof path;
	json_t *hashes = json_array();
	iov_log_init(&log, &source, trust->head.log_size);
	int rc = iov_log_prove_entry(ctx, &log, position, &entry, &path);
	for (size_t i = 0; !rc && i < path.count; i++) {
		char hex[IOV_HEX_SIZE];
		iov_hex(path.hashes[i].bytes, sizeof(path.hashes[i].bytes), hex);
		json_array_append_new(hashes, json_string(hex));
	}
	int bad = json_object_set_new(proof, "hashes", hashes);
	if (rc)
		return iov_error_prefix(ctx, "registry '%s'", trust->name);
	bad |= json_object_set_new(proof, "leaf", json_stringn(entry.data, entry.len));
	return bad ? iov_oom(ctx) : IOV_OK;
}

static int make(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release, json_t **ret)
{
	iov_auto(iov_json_release) json_t *proof = json_pack("{s:s}", "fingerprint", trust->fingerprint);
	int rc = proof ? add_entry(ctx, trust, release->log, proof) : iov_oom(ctx);
	if (!rc)
		rc = add_head(ctx, trust, proof);
	if (!rc)
		rc = add_roots(ctx, trust, proof);
	if (!rc)
		*ret = iov_take(proof);
	return rc;
}

/* ---- checking ---- */

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

/* ---- of the registries of this host ---- */

int iov_registries_proof(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret)
{
	const char *name = release->registry ? release->registry : "";
	const struct iov_registry *registry = iov_registries_find(registries, name);
	if (!registry)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "'%s' %s came from registry '%s', which this host no longer has; add it again",
				 release->manifest->name, release->manifest->version.text, name);
	return make(ctx, registry->trust, release, ret);
}

bool iov_registries_prove_cheaply(struct iov_registries *registries, const struct iov_release *release)
{
	const struct iov_registry *registry =
		iov_registries_find(registries, release->registry ? release->registry : "");
	struct iov_source source = registry ? iov_trust_source(registry->trust) : (struct iov_source){.read = NULL};
	return source.read && !source.keep;
}

int iov_registries_prove(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret)
{
	iov_auto(iov_json_release) json_t *proof = NULL;
	int rc = iov_registries_proof(ctx, registries, release, &proof);
	return rc ? rc : iov_proof_check(ctx, proof, release, ret);
}
