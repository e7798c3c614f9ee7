#include "registry/head.h"

#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "registry/listing.h"
#include "sign/base64.h"
#include "util/cleanup.h"

#define SCHEMA 1

/* ---- making ---- */

static json_t *document(const struct iov_head *head, const char *origin)
{
	char issued[IOV_TIME_SIZE], expires[IOV_TIME_SIZE], log_root[IOV_HEX_SIZE];
	iov_time_text(head->issued, issued);
	iov_time_text(head->expires, expires);
	iov_hex(head->log_root.bytes, sizeof(head->log_root.bytes), log_root);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:I, s:i, s:I}", "expires", expires, "issued",
			 issued, "kind", "head", "log_root", log_root, "log_size", (json_int_t)head->log_size,
			 "manifest", head->manifest, "manifest_size", (json_int_t)head->manifest_size, "origin", origin,
			 "root", (json_int_t)head->root, "schema", SCHEMA, "version", (json_int_t)head->version);
}

static int check_signer(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_signer *signer)
{
	if (root->registry.threshold > 1)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "registry '%s' wants %zu signatures on its head, and this iovpkg gives one",
				 root->origin, root->registry.threshold);
	for (size_t i = 0; i < root->registry.n_keys; i++)
		if (!memcmp(&root->registry.keys[i].key, signer->verifier.key, sizeof(signer->verifier.key)))
			return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED, "key '%s' may not sign for registry '%s'; its root names '%s'",
			 signer->verifier.name, root->origin, root->registry.keys[0].name);
}

int iov_head_make(struct iov_ctx *ctx, const struct iov_head *head, const struct iov_root *root,
		  const struct iov_signer *signer, struct iov_buf *ret_note)
{
	int rc = check_signer(ctx, root, signer);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json = document(head, root->origin);
	iov_auto(iov_free_ptr) char *canonical = json ? iov_json_canonical(json) : NULL;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s\n", canonical ? canonical : "");
	if (!canonical || iov_buf_failed(&text))
		return iov_oom(ctx);
	struct iov_head read_back;
	rc = iov_note_make(ctx, text.data, &signer, 1, ret_note);
	return rc ? rc : iov_head_parse(ctx, root->origin, ret_note->data, ret_note->len, root, &read_back);
}

int iov_log_verifier(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_verifier *key,
		     struct iov_verifier *ret)
{
	return iov_verifier_make(ctx, root->origin, key->key, ret);
}

static int checkpoint_text(struct iov_ctx *ctx, const struct iov_head *head, const char *origin, struct iov_buf *ret)
{
	char base64[IOV_BASE64_SIZE(IOV_DIGEST_SIZE)];
	iov_base64(head->log_root.bytes, sizeof(head->log_root.bytes), base64);
	iov_buf_printf(ret, "%s\n%llu\n%s\n", origin, (unsigned long long)head->log_size, base64);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

int iov_checkpoint_make(struct iov_ctx *ctx, const struct iov_head *head, const struct iov_root *root,
			const struct iov_signer *signer, struct iov_buf *ret_note)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_signer_release) struct iov_signer log = *signer;
	const struct iov_signer *signers = &log;
	int rc = iov_log_verifier(ctx, root, &signer->verifier, &log.verifier);
	if (!rc)
		rc = checkpoint_text(ctx, head, root->origin, &text);
	return rc ? rc : iov_note_make(ctx, text.data, &signers, 1, ret_note);
}

/* ---- reading ---- */

static int get_hash(struct iov_ctx *ctx, const json_t *json, const char *key, const char **ret)
{
	int rc = iov_json_get_string(ctx, "head", json, key, ret);
	if (!rc && !iov_is_sha256_hex(*ret))
		return iov_error(ctx, IOV_E_UNTRUSTED, "its '%s' is no SHA-256", key);
	return rc;
}

static int get_identity(struct iov_ctx *ctx, const json_t *json, const struct iov_root *root)
{
	const char *kind = "", *origin = "";
	uint64_t schema = 0;
	int rc = iov_json_get_string(ctx, "head", json, "kind", &kind);
	if (!rc)
		rc = iov_json_get_uint(ctx, "head", json, "schema", &schema);
	if (!rc)
		rc = iov_json_get_string(ctx, "head", json, "origin", &origin);
	if (rc)
		return rc;
	if (strcmp(kind, "head") != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "it is a '%.40s', not a head", kind);
	if (schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "its schema is %llu and this iovpkg reads %d; use a newer iovpkg",
				 (unsigned long long)schema, SCHEMA);
	if (strcmp(origin, root->origin) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "it is of '%.140s', and this registry is '%s'; it was taken from elsewhere", origin,
				 root->origin);
	return IOV_OK;
}

static int get_numbers(struct iov_ctx *ctx, const json_t *json, struct iov_head *ret)
{
	const struct {
		const char *key;
		uint64_t *value;
	} numbers[] = {
		{"version", &ret->version},
		{"root", &ret->root},
		{"manifest_size", &ret->manifest_size},
		{"log_size", &ret->log_size},
	};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(numbers); i++)
		rc = iov_json_get_uint(ctx, "head", json, numbers[i].key, numbers[i].value);
	if (!rc)
		rc = iov_time_get(ctx, "head", json, "issued", &ret->issued);
	if (!rc)
		rc = iov_time_get(ctx, "head", json, "expires", &ret->expires);
	if (!rc && !ret->version)
		return iov_error(ctx, IOV_E_UNTRUSTED, "its version is 0; heads count from 1");
	if (!rc && ret->manifest_size > IOV_LISTING_MAX)
		return iov_error(ctx, IOV_E_UNTRUSTED, "its manifest is said to have %llu bytes (endless data attack)",
				 (unsigned long long)ret->manifest_size);
	return rc;
}

static int get_members(struct iov_ctx *ctx, const json_t *json, const struct iov_root *root, struct iov_head *ret)
{
	const char *manifest, *log_root;
	int rc = get_identity(ctx, json, root);
	if (!rc)
		rc = get_numbers(ctx, json, ret);
	if (!rc)
		rc = get_hash(ctx, json, "manifest", &manifest);
	if (!rc)
		rc = get_hash(ctx, json, "log_root", &log_root);
	if (rc)
		return rc;
	memcpy(ret->manifest, manifest, IOV_HEX_SIZE);
	iov_unhex(log_root, ret->log_root.bytes, sizeof(ret->log_root.bytes));
	if (ret->root != root->version)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "it goes with root %llu, but root %llu is in force (rollback attack)",
				 (unsigned long long)ret->root, (unsigned long long)root->version);
	return IOV_OK;
}

/* A head that was good by an older root is an old state played back, and should be called so. The error stands. */
static int name_rollback(struct iov_ctx *ctx, const struct iov_note_text *note, const struct iov_root *root)
{
	iov_auto(iov_json_release) json_t *json = NULL;
	struct iov_saved_error saved = iov_error_save(ctx);
	uint64_t claimed = root->version;
	if (!iov_json_parse(ctx, "text", note->text, note->len, IOV_HEAD_MAX, &json))
		iov_json_get_uint(ctx, "head", json, "root", &claimed);
	int rc = iov_error_restore(ctx, saved);
	if (claimed >= root->version)
		return rc;
	return iov_error(
		ctx, IOV_E_UNTRUSTED,
		"it goes with root %llu, but root %llu is in force (rollback attack), and its key signs no more",
		(unsigned long long)claimed, (unsigned long long)root->version);
}

static int read_head(struct iov_ctx *ctx, const char *data, size_t len, const struct iov_root *root,
		     struct iov_head *ret)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_note_parse(ctx, "it", data, len, &note);
	if (rc)
		return rc;
	char whose[64];
	snprintf(whose, sizeof(whose), "root %llu names for the registry", (unsigned long long)root->version);
	rc = iov_role_check(ctx, &root->registry, &note, "it", whose);
	if (rc == IOV_E_UNTRUSTED)
		rc = name_rollback(ctx, &note, root);
	if (rc)
		return rc;
	rc = iov_json_parse(ctx, "text", note.text, note.len, IOV_HEAD_MAX, &json);
	return rc ? rc : get_members(ctx, json, root, ret);
}

int iov_head_parse(struct iov_ctx *ctx, const char *name, const char *data, size_t len, const struct iov_root *root,
		   struct iov_head *ret)
{
	struct iov_head head = {.version = 0};
	int rc = read_head(ctx, data, len, root, &head);
	if (rc)
		return iov_error(ctx, rc == IOV_E_INPUT ? IOV_E_UNTRUSTED : (enum iov_code)rc,
				 "head of registry '%s' is refused: %s", name, iov_error_text(ctx));
	*ret = head;
	return IOV_OK;
}

static int peek(struct iov_ctx *ctx, const char *data, size_t len, struct iov_head_claim *ret)
{
	const char *manifest;
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_note_parse(ctx, "it", data, len, &note);
	if (!rc)
		rc = iov_json_parse(ctx, "text", note.text, note.len, IOV_HEAD_MAX, &json);
	if (!rc)
		rc = iov_json_get_uint(ctx, "head", json, "root", &ret->root);
	if (!rc)
		rc = iov_json_get_uint(ctx, "head", json, "manifest_size", &ret->manifest.size);
	if (!rc)
		rc = get_hash(ctx, json, "manifest", &manifest);
	if (!rc)
		memcpy(ret->manifest.sha256, manifest, IOV_HEX_SIZE);
	return rc;
}

int iov_head_peek(struct iov_ctx *ctx, const char *name, const char *data, size_t len, struct iov_head_claim *ret)
{
	struct iov_head_claim claim = {.root = 0};
	int rc = peek(ctx, data, len, &claim);
	if (rc)
		return iov_error(ctx, rc == IOV_E_INPUT ? IOV_E_UNTRUSTED : (enum iov_code)rc,
				 "head of registry '%s' is refused: %s", name, iov_error_text(ctx));
	*ret = claim;
	return IOV_OK;
}

int iov_checkpoint_check(struct iov_ctx *ctx, const char *name, const char *data, size_t len,
			 const struct iov_root *root, const struct iov_head *head)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_buf_release) struct iov_buf expected = {0};
	iov_auto(iov_free_ptr) struct iov_verifier *keys = calloc(root->registry.n_keys, sizeof(*keys));
	if (!keys)
		return iov_oom(ctx);
	int rc = iov_note_parse(ctx, "checkpoint", data, len, &note);
	for (size_t i = 0; !rc && i < root->registry.n_keys; i++)
		rc = iov_log_verifier(ctx, root, &root->registry.keys[i], &keys[i]);
	if (!rc)
		rc = checkpoint_text(ctx, head, root->origin, &expected);
	if (rc)
		return rc;
	if (iov_note_count_signers(&note, keys, root->registry.n_keys) < root->registry.threshold)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "checkpoint of registry '%s' is not signed by the registry's key", name);
	if (strcmp(note.text, expected.data) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "checkpoint of registry '%s' tells of another log than its head (fork); compare it "
				 "with what others see",
				 name);
	return IOV_OK;
}

/* ---- judging ---- */

/* With a clock that is behind, an expired head passes for a good one. */
static int clock_is_behind(struct iov_ctx *ctx, const char *name, const struct iov_head *head, int64_t now)
{
	char when[IOV_TIME_SIZE], clock[IOV_TIME_SIZE];
	iov_time_text(head->issued, when);
	iov_time_text(now, clock);
	return iov_error(
		ctx, IOV_E_UNTRUSTED,
		"head %llu of registry '%s' was issued at %s, but this host's clock says %s: with a clock that is "
		"behind, newer releases could be held back unnoticed (freeze attack); set the clock, or, if it is "
		"right, "
		"tell the registry's host that his is wrong",
		(unsigned long long)head->version, name, when, clock);
}

int iov_head_check_fresh(struct iov_ctx *ctx, const char *name, const struct iov_head *head, int64_t now)
{
	char when[IOV_TIME_SIZE];
	if (now < head->issued - IOV_CLOCK_SKEW)
		return clock_is_behind(ctx, name, head, now);
	if (now < head->expires && head->issued < head->expires)
		return IOV_OK;
	iov_time_text(head->expires, when);
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "head of registry '%s' expired at %s: newer releases may be held back from this host (freeze "
			 "attack); run "
			 "'iovpkg registry update %s', or ask the registry's host to run 'iovpkg registry refresh'",
			 name, when, name);
}

static bool same_head(const struct iov_head *a, const struct iov_head *b)
{
	return a->root == b->root && a->issued == b->issued && a->expires == b->expires &&
	       !strcmp(a->manifest, b->manifest) && a->manifest_size == b->manifest_size &&
	       a->log_size == b->log_size && iov_hash_equal(&a->log_root, &b->log_root);
}

static int fork_seen(struct iov_ctx *ctx, const char *name, const char *how)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "registry '%s' %s: it tells this host another story than before (fork); the state seen before "
			 "is kept, ask the "
			 "registry's host",
			 name, how);
}

/* The latest time that this host has seen signed bounds its clock from below; no newer head may lower it. */
static int time_went_back(struct iov_ctx *ctx, const char *name, const struct iov_head *seen,
			  const struct iov_head *head)
{
	char before[IOV_TIME_SIZE], now[IOV_TIME_SIZE];
	iov_time_text(seen->issued, before);
	iov_time_text(head->issued, now);
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "head %llu of registry '%s' was issued at %s, before head %llu, which was issued at %s: time "
			 "does not go "
			 "back (freeze attack); the state seen before is kept, ask the registry's host",
			 (unsigned long long)head->version, name, now, (unsigned long long)seen->version, before);
}

int iov_head_check_after(struct iov_ctx *ctx, const char *name, const struct iov_head *seen,
			 const struct iov_head *head)
{
	if (head->version < seen->version)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "registry '%s' shows head %llu, but this host has seen head %llu: an old state is "
				 "played back (rollback attack); "
				 "the newer state is kept, try another network or ask the registry's host",
				 name, (unsigned long long)head->version, (unsigned long long)seen->version);
	if (head->version == seen->version && !same_head(seen, head))
		return fork_seen(ctx, name, "shows a second head of the same version");
	if (head->issued < seen->issued)
		return time_went_back(ctx, name, seen, head);
	if (head->log_size < seen->log_size)
		return fork_seen(ctx, name, "shows a shorter log");
	if (head->log_size == seen->log_size && !iov_hash_equal(&head->log_root, &seen->log_root))
		return fork_seen(ctx, name, "shows another log of the same length");
	return IOV_OK;
}
