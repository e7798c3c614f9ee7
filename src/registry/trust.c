#include "registry/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "registry/describe.h"
#include "registry/witness.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SCHEMA 1
#define STATE_MAX (256u << 10) /* bytes of a file here: a head.json holds a head.note of at most 64 KiB */

char *iov_trust_folder(const struct iov_ctx *ctx, const char *name)
{
	return iov_path(ctx, IOV_STATE "/registries%s%s", *name ? "/" : "", name);
}

const struct iov_root *iov_trust_root(const struct iov_trust *trust)
{
	return trust->roots[trust->n_roots - 1];
}

struct iov_source iov_trust_source(const struct iov_trust *trust)
{
	return trust->sparse ? iov_sparse_source(trust->sparse) : iov_source_git(trust->repo, trust->commit);
}

static int set_url(struct iov_ctx *ctx, struct iov_trust *trust, const char *url)
{
	free(trust->url);
	trust->url = strdup(url);
	if (!trust->url)
		return iov_oom(ctx);
	return iov_sparse_is(url) ? iov_sparse_new(ctx, trust->name, url, trust->folder, &trust->sparse) : IOV_OK;
}

int iov_trust_new(struct iov_ctx *ctx, const char *name, const char *url, const char *folder, struct iov_trust **ret)
{
	struct iov_trust *trust = calloc(1, sizeof(*trust));
	if (!trust)
		return iov_oom(ctx);
	trust->head.log_root = iov_merkle_empty();
	trust->name = strdup(name);
	trust->folder = strdup(folder);
	if (asprintf(&trust->repo, "%s/git", folder) < 0)
		trust->repo = NULL;
	int rc = trust->name && trust->folder && trust->repo ? set_url(ctx, trust, url) : iov_oom(ctx);
	if (rc)
		iov_trust_free(trust);
	else
		*ret = trust;
	return rc;
}

void iov_trust_free(struct iov_trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->n_roots; i++)
		iov_root_free(trust->roots[i]);
	free(trust->roots);
	free(trust->name);
	free(trust->url);
	free(trust->folder);
	free(trust->repo);
	free(trust->note);
	free(trust->packages);
	iov_sparse_free(trust->sparse);
	free(trust->etag);
	json_decref(trust->witnesses);
	free(trust);
}

int iov_trust_add_root(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_root *root)
{
	struct iov_root **roots = realloc(trust->roots, (trust->n_roots + 1) * sizeof(struct iov_root *));
	if (!roots) {
		iov_root_free(root);
		return iov_oom(ctx);
	}
	trust->roots = roots;
	roots[trust->n_roots++] = root;
	return IOV_OK;
}

/* ---- reading ---- */

/* Our own files are damaged; that is no attack from the registry, but nothing may be built on them either. */
static int damaged(struct iov_ctx *ctx, const struct iov_trust *trust)
{
	return iov_error(
		ctx, IOV_E_UNTRUSTED,
		"what this host keeps of registry '%s' is damaged: %s; run 'iovpkg registry rm %s' and add it again",
		trust->name, iov_error_text(ctx), trust->name);
}

static int no_registry(struct iov_ctx *ctx, const char *name)
{
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "no registry '%s' on this host; add it with 'iovpkg registry add %s URL'", name, name);
}

static int read_witnesses(struct iov_ctx *ctx, struct iov_trust *trust, const char *path, const json_t *json)
{
	json_t *witnesses = NULL;
	int rc = iov_json_opt_array(ctx, path, json, "witnesses", &witnesses);
	if (!rc)
		rc = iov_json_opt_uint(ctx, path, json, "cosigners", &trust->cosigners);
	if (!rc)
		rc = iov_witness_check_keys(ctx, witnesses, trust->cosigners);
	if (!rc)
		trust->witnesses = json_incref(witnesses);
	return rc;
}

static int read_pin(struct iov_ctx *ctx, struct iov_trust *trust)
{
	const char *url = "", *fingerprint = "";
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/registry.json", trust->folder) < 0)
		return iov_oom(ctx);
	if (!iov_fs_exists(path))
		return no_registry(ctx, trust->name);
	int rc = iov_json_read(ctx, path, STATE_MAX, &json);
	if (!rc)
		rc = iov_json_get_string(ctx, path, json, "url", &url);
	if (!rc)
		rc = iov_json_get_string(ctx, path, json, "fingerprint", &fingerprint);
	if (!rc && !iov_is_sha256_hex(fingerprint))
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "%s: 'fingerprint' is no SHA-256", path);
	if (rc)
		return rc;
	snprintf(trust->fingerprint, sizeof(trust->fingerprint), "%s", fingerprint);
	rc = read_witnesses(ctx, trust, path, json);
	return rc ? rc : set_url(ctx, trust, url);
}

static int check_root(struct iov_ctx *ctx, const struct iov_trust *trust, const char *path, const struct iov_root *root)
{
	if (trust->n_roots)
		return iov_root_check_next(ctx, path, iov_trust_root(trust), root);
	if (strcmp(root->fingerprint, trust->fingerprint) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is not the root that was pinned", path);
	return IOV_OK;
}

static int read_root(struct iov_ctx *ctx, struct iov_trust *trust, const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_root *root = NULL;
	int err = iov_fs_read(path, IOV_NOTE_MAX, &text);
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", path);
	int rc = iov_root_parse(ctx, path, text.data, text.len, &root);
	if (rc)
		return rc;
	rc = check_root(ctx, trust, path, root);
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	return iov_trust_add_root(ctx, trust, root);
}

static char *root_path(const struct iov_trust *trust, uint64_t version)
{
	char relative[IOV_ROOT_PATH_MAX];
	char *path = NULL;
	iov_root_path(version, relative);
	return asprintf(&path, "%s/%s", trust->folder, relative) < 0 ? NULL : path;
}

static int read_roots(struct iov_ctx *ctx, struct iov_trust *trust)
{
	for (uint64_t version = 1;; version++) {
		iov_auto(iov_free_ptr) char *path = root_path(trust, version);
		if (!path)
			return iov_oom(ctx);
		if (version > 1 && !iov_fs_exists(path))
			return IOV_OK;
		int rc = read_root(ctx, trust, path);
		if (rc)
			return rc;
	}
}

/* Where the head was seen: a commit, or what the server said of it. */
static int read_place(struct iov_ctx *ctx, struct iov_trust *trust, const char *path, const json_t *json)
{
	const char *commit = "", *etag = "", *packages = IOV_PACKAGES_GIT;
	int rc = iov_json_opt_string(ctx, path, json, "commit", &commit);
	if (!rc)
		rc = iov_json_opt_string(ctx, path, json, "etag", &etag);
	if (!rc)
		rc = iov_json_opt_string(ctx, path, json, "packages", &packages);
	if (rc)
		return rc;
	if (strlen(commit) >= sizeof(trust->commit))
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' names no commit", path);
	memcpy(trust->commit, commit, strlen(commit) + 1);
	trust->etag = strdup(etag);
	trust->packages = strdup(packages);
	return trust->etag && trust->packages ? IOV_OK : iov_oom(ctx);
}

static int read_head(struct iov_ctx *ctx, struct iov_trust *trust)
{
	const char *note;
	uint64_t root = 0;
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/head.json", trust->folder) < 0)
		return iov_oom(ctx);
	int rc = iov_json_read(ctx, path, STATE_MAX, &json);
	if (!rc)
		rc = iov_json_get_string(ctx, path, json, "head", &note);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "root", &root);
	if (!rc)
		rc = read_place(ctx, trust, path, json);
	if (rc)
		return rc;
	if (root < 1 || root > trust->n_roots)
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' does not fit the roots beside it", path);
	trust->note = strdup(note);
	if (!trust->note)
		return iov_oom(ctx);
	return iov_head_parse(ctx, trust->name, note, strlen(note), trust->roots[root - 1], &trust->head);
}

int iov_trust_open(struct iov_ctx *ctx, const char *name, struct iov_trust **ret)
{
	struct iov_trust *trust = NULL;
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, name);
	if (!folder)
		return iov_oom(ctx);
	int rc = iov_trust_new(ctx, name, "", folder, &trust);
	if (rc || !trust)
		return rc;
	rc = read_pin(ctx, trust);
	if (!rc)
		rc = read_roots(ctx, trust);
	if (!rc)
		rc = read_head(ctx, trust);
	if (rc == IOV_E_UNTRUSTED || rc == IOV_E_INPUT || rc == IOV_E_IO)
		rc = damaged(ctx, trust);
	if (rc)
		iov_trust_free(trust);
	else
		*ret = trust;
	return rc;
}

/* ---- writing ---- */

static int write_json(struct iov_ctx *ctx, const struct iov_trust *trust, const char *name, json_t *json)
{
	iov_auto(iov_json_release) json_t *owned = json;
	iov_auto(iov_free_ptr) char *text = owned ? iov_json_text(owned) : NULL;
	iov_auto(iov_free_ptr) char *path = NULL;
	if (!text || asprintf(&path, "%s/%s", trust->folder, name) < 0)
		return iov_oom(ctx);
	int err = iov_fs_mkdirs_for(path, 0755);
	if (!err)
		err = iov_fs_replace(path, text, strlen(text), 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}

int iov_trust_store_pin(struct iov_ctx *ctx, const struct iov_trust *trust)
{
	return write_json(ctx, trust, "registry.json",
			  json_pack("{s:o*, s:s, s:s, s:i, s:s, s:O*}", "cosigners",
				    trust->cosigners ? json_integer((json_int_t)trust->cosigners) : NULL, "fingerprint",
				    trust->fingerprint, "name", trust->name, "schema", SCHEMA, "url", trust->url,
				    "witnesses", trust->witnesses));
}

static int store_root(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_root *root)
{
	iov_auto(iov_free_ptr) char *path = root_path(trust, root->version);
	if (!path)
		return iov_oom(ctx);
	if (iov_fs_exists(path))
		return IOV_OK;
	int err = iov_fs_mkdirs_for(path, 0755);
	if (!err)
		err = iov_fs_replace(path, root->bytes.data, root->bytes.len, 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}

int iov_trust_store(struct iov_ctx *ctx, const struct iov_trust *trust)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < trust->n_roots; i++)
		rc = store_root(ctx, trust, trust->roots[i]);
	if (rc)
		return rc;
	const char *seen = trust->sparse ? "etag" : "commit";
	return write_json(ctx, trust, "head.json",
			  json_pack("{s:s, s:s, s:s, s:I, s:i}", seen, trust->sparse ? trust->etag : trust->commit,
				    "head", trust->note, "packages", trust->packages, "root",
				    (json_int_t)trust->head.root, "schema", SCHEMA));
}

/* ---- archives ---- */

/* The URL of `template`, which ends at the next space; NULL: no memory. */
static char *archive_url(const char *template, const char *sha256)
{
	const char *hash = strstr(template, IOV_PACKAGES_HASH), *after = hash + strlen(IOV_PACKAGES_HASH);
	char *url = NULL;
	int len = asprintf(&url, "%.*s%.64s%.*s", (int)(hash - template), template, sha256, (int)strcspn(after, " "),
			   after);
	return len < 0 ? NULL : url;
}

int iov_trust_archive_urls(struct iov_ctx *ctx, const struct iov_trust *trust, const char *sha256,
			   char *ret_urls[IOV_MIRRORS_MAX], size_t *ret_count)
{
	iov_auto(iov_buf_release) struct iov_buf own = {0};
	const char *at = trust->packages ? trust->packages : "";
	if (!strstr(at, IOV_PACKAGES_HASH)) {
		if (!trust->sparse)
			return IOV_OK;
		iov_buf_printf(&own, "%spackages/%.2s/" IOV_PACKAGES_HASH, iov_sparse_url(trust->sparse), sha256);
		if (iov_buf_failed(&own))
			return iov_oom(ctx);
		at = own.data;
	}
	while (*at && *ret_count < IOV_MIRRORS_MAX) {
		char *url = archive_url(at, sha256);
		if (!url)
			return iov_oom(ctx);
		ret_urls[(*ret_count)++] = url;
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return IOV_OK;
}
