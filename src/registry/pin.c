#include "registry/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/manifest.h"
#include "registry/clock.h"
#include "registry/describe.h"
#include "registry/trust.h"
#include "registry/witness.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* ---- what is told of a registry ---- */

static json_t *describe(const struct iov_trust *trust)
{
	const struct iov_root *root = iov_trust_root(trust);
	const struct iov_head *head = &trust->head;
	char issued[IOV_TIME_SIZE], expires[IOV_TIME_SIZE];
	iov_time_text(head->issued, issued);
	iov_time_text(head->expires, expires);
	return json_pack("{s:b, s:s, s:{s:s, s:s, s:I}, s:I, s:s, s:s, s:I, s:s}", "expired",
			 time(NULL) >= head->expires, "fingerprint", trust->fingerprint, "head", "expires", expires,
			 "issued", issued, "version", (json_int_t)head->version, "log_size", (json_int_t)head->log_size,
			 "name", trust->name, "origin", root->origin, "root", (json_int_t)root->version, "url",
			 trust->url);
}

static int add_described(struct iov_ctx *ctx, json_t *list, const char *name)
{
	struct iov_trust *trust = NULL;
	int rc = iov_trust_open(ctx, name, &trust);
	if (rc)
		return rc;
	json_t *json = describe(trust);
	iov_trust_free(trust);
	return !json || json_array_append_new(list, json) ? iov_oom(ctx) : IOV_OK;
}

int iov_registry_describe_all(struct iov_ctx *ctx, json_t **ret)
{
	char **names = NULL;
	size_t count = 0;
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, "");
	iov_auto(iov_json_release) json_t *list = json_array();
	if (!folder || !list)
		return iov_oom(ctx);
	int err = iov_fs_names(folder, &names, &count);
	int rc = err && err != -ENOENT ? iov_error_errno(ctx, err, "cannot list '%s'", folder) : IOV_OK;
	for (size_t i = 0; !rc && i < count; i++)
		if (iov_is_name(names[i]))
			rc = add_described(ctx, list, names[i]);
	iov_fs_names_free(names, count);
	if (!rc)
		*ret = iov_take(list);
	return rc;
}

/* ---- pinning ---- */

static json_t *question(const struct iov_trust *trust, const struct iov_root *root)
{
	iov_auto(iov_json_release) json_t *keys = json_array();
	for (size_t i = 0; keys && i < root->root.n_keys; i++) {
		iov_auto(iov_free_ptr) char *text = iov_verifier_text(&root->root.keys[i]);
		if (!text || json_array_append_new(keys, json_string(text)))
			return NULL;
	}
	return json_pack("{s:s, s:O, s:s, s:s}", "fingerprint", root->fingerprint, "keys", keys, "registry",
			 trust->name, "url", trust->url);
}

/* Nothing says yet whether this is the right registry: somebody who knows its fingerprint does. */
static int ask(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_root *root)
{
	iov_auto(iov_json_release) json_t *json = question(trust, root);
	iov_auto(iov_free_ptr) char *text = json ? iov_json_canonical(json) : NULL;
	if (!text)
		return iov_oom(ctx);
	if (ctx->config.confirm && ctx->config.confirm(IOV_ASK_TRUST, text, ctx->config.data))
		return IOV_OK;
	return iov_error(ctx, ctx->config.confirm ? IOV_E_DECLINED : IOV_E_UNTRUSTED,
			 "registry '%s' at '%s' is not trusted: its root has the fingerprint %s; compare it with what "
			 "the registry's host "
			 "tells you and run 'iovpkg registry add %s %s --fingerprint %s'",
			 trust->name, trust->url, root->fingerprint, trust->name, trust->url, root->fingerprint);
}

static int decide(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_root *root,
		  const char *fingerprint)
{
	if (!fingerprint)
		return ask(ctx, trust, root);
	if (!strcmp(root->fingerprint, fingerprint))
		return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "registry '%s' at '%s' is not the one you named: its root has the fingerprint %s, not %s "
			 "(arbitrary software attack); check "
			 "URL and fingerprint",
			 trust->name, trust->url, root->fingerprint, fingerprint);
}

static int read_first_root(struct iov_ctx *ctx, struct iov_trust *trust, const struct iov_source *source)
{
	char path[IOV_ROOT_PATH_MAX], what[160];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	struct iov_root *root = NULL;
	iov_root_path(1, path);
	snprintf(what, sizeof(what), "root 1 of registry '%s'", trust->name);
	int rc = iov_source_read(ctx, source, path, IOV_NOTE_MAX, &note);
	if (rc == IOV_E_UNTRUSTED)
		return iov_error_prefix(ctx, "'%s' is no registry", trust->url);
	if (!rc)
		rc = iov_root_parse(ctx, what, note.data, note.len, &root);
	if (!rc && root->version != 1)
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "%s says that it is root %llu", what,
			       (unsigned long long)root->version);
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	memcpy(trust->fingerprint, root->fingerprint, IOV_HEX_SIZE);
	return iov_trust_add_root(ctx, trust, root);
}

static int read_pinned_root(struct iov_ctx *ctx, struct iov_trust *trust, const struct iov_source *source,
			    const char *fingerprint)
{
	int rc = read_first_root(ctx, trust, source);
	return rc ? rc : decide(ctx, trust, iov_trust_root(trust), fingerprint);
}

static int clone(struct iov_ctx *ctx, struct iov_trust *trust, const char *fingerprint)
{
	char commit[IOV_COMMIT_SIZE];
	int rc = iov_git_fetch(ctx, trust->repo, trust->url, "refs/heads/main", commit);
	if (rc == IOV_E_NETWORK || rc == IOV_E_NOT_FOUND)
		return iov_error_prefix(ctx, "registry '%s'", trust->name);
	struct iov_source source = iov_source_git(trust->repo, commit);
	if (!rc)
		rc = read_pinned_root(ctx, trust, &source, fingerprint);
	return rc ? rc : iov_trust_advance(ctx, trust, commit, time(NULL));
}

/* All that a first look needs, with one question. */
static int read_ahead(struct iov_ctx *ctx, struct iov_trust *trust)
{
	char root[IOV_ROOT_PATH_MAX];
	const char *const paths[] = {IOV_HEAD_PATH, root, IOV_CHECKPOINT_PATH, IOV_DESCRIPTION_PATH, IOV_TOP_PATH};
	iov_root_path(1, root);
	return iov_sparse_read_ahead(ctx, trust->sparse, paths, IOV_COUNT(paths), IOV_LISTING_MAX);
}

static int look(struct iov_ctx *ctx, struct iov_trust *trust, const char *fingerprint)
{
	struct iov_source source = iov_sparse_source(trust->sparse);
	int rc = read_ahead(ctx, trust);
	if (!rc)
		rc = read_pinned_root(ctx, trust, &source, fingerprint);
	return rc ? rc : iov_trust_advance_sparse(ctx, trust, time(NULL));
}

int iov_trust_look(struct iov_ctx *ctx, const char *url, const char *folder, struct iov_trust **ret)
{
	struct iov_trust *trust = NULL;
	int rc = iov_trust_new(ctx, url, url, folder, &trust);
	if (rc)
		return rc;
	struct iov_source source = iov_sparse_source(trust->sparse);
	rc = read_ahead(ctx, trust);
	if (!rc)
		rc = read_first_root(ctx, trust, &source);
	if (!rc)
		rc = iov_trust_advance_sparse(ctx, trust, time(NULL));
	if (rc)
		iov_trust_free(trust);
	else
		*ret = trust;
	return rc;
}

static int fetch_and_store(struct iov_ctx *ctx, struct iov_trust *trust, const char *fingerprint)
{
	int rc = trust->sparse ? look(ctx, trust, fingerprint) : clone(ctx, trust, fingerprint);
	return rc ? rc : iov_trust_store_pin(ctx, trust);
}

/* All of it is made beside its place, and moved there when it is whole. */
static int pin_at(struct iov_ctx *ctx, struct iov_trust *trust, const char *fingerprint, const char *folder)
{
	int err = iov_fs_rmtree(trust->folder);
	if (!err)
		err = iov_fs_mkdirs(trust->folder, 0755);
	if (err)
		return iov_error_errno(ctx, err, "cannot make '%s'", trust->folder);
	int rc = fetch_and_store(ctx, trust, fingerprint);
	if (!rc && rename(trust->folder, folder))
		rc = iov_error_errno(ctx, errno, "cannot move the registry to '%s'", folder);
	if (rc) {
		struct iov_saved_error saved = iov_error_save(ctx);
		iov_fs_rmtree(trust->folder);
		return iov_error_restore(ctx, saved);
	}
	iov_auto(iov_free_ptr) char *parent = iov_trust_folder(ctx, "");
	err = parent ? iov_fs_sync_dir(parent) : -ENOMEM;
	return err ? iov_error_errno(ctx, err, "cannot sync '%s'", folder) : IOV_OK;
}

static int check_names(struct iov_ctx *ctx, const char *name, const char *fingerprint, const char *folder)
{
	if (!iov_is_name(name))
		return iov_error(
			ctx, IOV_E_USAGE,
			"'%.80s' is no name for a registry; take lower-case letters, digits and '-', a letter first",
			name);
	if (fingerprint && !iov_is_sha256_hex(fingerprint))
		return iov_error(ctx, IOV_E_USAGE, "fingerprint '%.80s' is not a SHA-256 of 64 lower-case hex digits",
				 fingerprint);
	if (iov_fs_exists(folder))
		return iov_error(
			ctx, IOV_E_CONFLICT,
			"this host has a registry '%s' already; choose another name or run 'iovpkg registry rm %s'",
			name, name);
	return IOV_OK;
}

int iov_registry_pin(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint, json_t **ret)
{
	return iov_registry_pin_witnessed(ctx, name, url, fingerprint, NULL, 0, ret);
}

int iov_registry_pin_witnessed(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint,
			       json_t *witnesses, size_t cosigners, json_t **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, name);
	iov_auto(iov_free_ptr) char *target = NULL;
	iov_auto(iov_free_ptr) char *beside = NULL;
	struct iov_trust *trust = NULL;
	if (!folder || asprintf(&beside, "%.*s.%s.new", (int)(strlen(folder) - strlen(name)), folder, name) < 0)
		return iov_oom(ctx);
	int rc = check_names(ctx, name, fingerprint, folder);
	if (!rc)
		rc = iov_witness_check_keys(ctx, witnesses, cosigners);
	if (!rc)
		rc = iov_registry_locate(ctx, url, &local, &target);
	if (!rc)
		rc = iov_trust_new(ctx, name, target, beside, &trust);
	if (!rc && cosigners) {
		trust->witnesses = json_incref(witnesses);
		trust->cosigners = cosigners;
	}
	if (!rc)
		rc = pin_at(ctx, trust, fingerprint, folder);
	if (!rc && ret) {
		*ret = describe(trust);
		rc = *ret ? IOV_OK : iov_oom(ctx);
	}
	iov_trust_free(trust);
	return rc;
}

/* Gone with one rename, so that no half of a registry is left when the power goes. */
int iov_registry_forget(struct iov_ctx *ctx, const char *name)
{
	iov_auto(iov_free_ptr) char *all = iov_trust_folder(ctx, "");
	iov_auto(iov_free_ptr) char *folder = NULL;
	iov_auto(iov_free_ptr) char *beside = NULL;
	if (!all || asprintf(&folder, "%s/%s", all, name) < 0 || asprintf(&beside, "%s/.%s.old", all, name) < 0)
		return iov_oom(ctx);
	if (!iov_is_name(name) || !iov_fs_exists(folder))
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "no registry '%.80s' on this host; 'iovpkg registry list' shows those there are",
				 name);
	int err = iov_fs_rmtree(beside);
	if (!err && rename(folder, beside))
		err = -errno;
	if (!err)
		err = iov_fs_sync_dir(all);
	if (!err)
		err = iov_fs_rmtree(beside);
	return err ? iov_error_errno(ctx, err, "cannot remove '%s'", folder) : IOV_OK;
}
