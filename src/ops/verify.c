/* verify: from the pinned root down to the bytes in the store, or in a file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ops/edit.h"
#include "registry/registry.h"
#include "ops/registries.h"
#include "state/generations.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/worker.h"

static void add_link(json_t *chain, const char *what, json_t *text)
{
	json_array_append_new(chain, json_pack("{s:s, s:o}", "what", what, "text", text));
}

static json_int_t number(const json_t *proof, const char *object, const char *member)
{
	return json_integer_value(json_object_get(json_object_get(proof, object), member));
}

static const char *string(const json_t *proof, const char *object, const char *member)
{
	return json_string_value(json_object_get(json_object_get(proof, object), member));
}

static json_t *joined(const json_t *names)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
		iov_buf_printf(&text, "%s%s", i ? ", " : "signed by ", json_string_value(name));
	return json_string(text.data ? text.data : "");
}

/* Where a proof is from. */
struct origin {
	const char *word;  /* in JSON */
	const char *words; /* behind the root */
};
static const struct origin from_registry = {"registry", ""};
static const struct origin from_lock = {"lock", " (as the lock has kept it; the registry is not at hand)"};
static const struct origin from_kept = {"kept", " (as an earlier verify has kept it; the registry is not at hand)"};

/* From the pinned root to the archive, each link in words. */
static json_t *chain_of(const json_t *proof, const struct iov_release *release, const struct origin *from)
{
	json_t *chain = json_array();
	add_link(chain, "root",
		 json_sprintf("version %lld of registry '%s', from the pinned fingerprint %s%s",
			      number(proof, "root", "version"), release->registry ? release->registry : "",
			      string(proof, "root", "fingerprint"), from->words));
	add_link(chain, "head",
		 json_sprintf("version %lld, issued %s, good until %s", number(proof, "head", "version"),
			      string(proof, "head", "issued"), string(proof, "head", "expires")));
	add_link(chain, "log",
		 json_sprintf("entry %lld of %lld", number(proof, "log", "position"), number(proof, "log", "size")));
	add_link(chain, "publisher", joined(json_object_get(proof, "publishers")));
	add_link(chain, "archive", json_sprintf("sha256 %s", release->sha256));
	return chain;
}

/* A new reference to the module's row. */
static int make_row(struct iov_ctx *ctx, const struct iov_release *release, json_t *proof, const struct origin *from,
		    json_t **ret)
{
	*ret = json_pack("{s:o, s:s, s:b, s:s, s:O, s:s}", "chain", chain_of(proof, release, from), "from", from->word,
			 "good", 1, "name", release->manifest->name, "proof", proof, "version",
			 release->manifest->version.text);
	return *ret ? IOV_OK : iov_oom(ctx);
}

static int prefixed(struct iov_ctx *ctx, const struct iov_release *release)
{
	return iov_error_prefix(ctx, "module '%s' %s", release->manifest->name, release->manifest->version.text);
}

/* The registry cannot say, and `why` is the error that stands; there is nothing else to go by. */
static int no_proof(struct iov_ctx *ctx, const struct iov_release *release, int why)
{
	if (why != IOV_E_NETWORK || !ctx->config.offline)
		return why;
	return iov_error(ctx, IOV_E_NETWORK,
			 "there is no proof of it on this host, neither in the lock nor of an earlier verify; run "
			 "'iovpkg verify %s' without --offline, which keeps one",
			 release->manifest->name);
}

/* By the registry as it is; where it is gone, or out of reach, by what the lock has kept, or an earlier verify. */
static int prove(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_installed *installed,
		 json_t **ret_proof, const struct origin **ret_from)
{
	const struct iov_release *release = installed->release;
	int rc = iov_registries_prove(ctx, registries, release, ret_proof);
	*ret_from = &from_registry;
	if (rc != IOV_E_NOT_FOUND && rc != IOV_E_NETWORK)
		return rc;
	iov_auto(iov_json_release) json_t *kept =
		installed->proof ? NULL : iov_registries_kept_proof(ctx, registries, release);
	const json_t *proof = installed->proof ? installed->proof : kept;
	if (!proof)
		return no_proof(ctx, release, rc);
	*ret_from = kept ? &from_kept : &from_lock;
	return iov_registries_prove_by(ctx, registries, proof, release, ret_proof);
}

static int verify_one(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_installed *installed,
		      json_t *list)
{
	const struct iov_release *release = installed->release;
	iov_auto(iov_json_release) json_t *proof = NULL;
	json_t *row = NULL;
	const struct origin *from = &from_registry;
	int rc = prove(ctx, registries, installed, &proof, &from);
	if (!rc)
		rc = iov_store_check(ctx, release);
	if (rc)
		return prefixed(ctx, release);
	rc = make_row(ctx, release, proof, from, &row);
	if (rc)
		return rc;
	add_link(json_object_get(row, "chain"), "store",
		 json_sprintf("%zu files, each as the signed record says", release->n_files));
	return json_array_append_new(list, row) ? iov_oom(ctx) : IOV_OK;
}

/* ---- an archive in a file ---- */

static bool is_file(const char *word)
{
	size_t len = strlen(word);
	return strchr(word, '/') || (len > 4 && !strcmp(word + len - 4, ".iov"));
}

static int on_chunk(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	struct iov_buf *manifest = cookie;
	(void)size;
	if (!data || strcmp(path, IOV_MANIFEST_FILE) != 0)
		return IOV_OK;
	iov_buf_add(manifest, data, len);
	return iov_buf_failed(manifest) ? iov_oom(ctx) : IOV_OK;
}

/* What the archive says that it is; nobody has vouched for that yet. */
static int read_manifest(struct iov_ctx *ctx, const char *path, struct iov_manifest **ret)
{
	static const struct iov_unpack_limits limits = {.unpacked = IOV_UNPACKED_MAX, .files = IOV_FILES_MAX};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open '%s'", path);
	int rc = iov_archive_unpack(ctx, fd, &limits, on_chunk, &text);
	if (!rc && !text.data)
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "it has no '" IOV_MANIFEST_FILE "'");
	if (!rc)
		rc = iov_manifest_parse_yaml(ctx, path, text.data, text.len, ret);
	return rc ? iov_error_prefix(ctx, "archive '%s'", path) : IOV_OK;
}

static int find_release(struct iov_ctx *ctx, struct iov_registries *registries, const char *path,
			const struct iov_manifest *manifest, const struct iov_release **ret)
{
	char sha256[IOV_HEX_SIZE];
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_sha256_file(ctx, path, sha256);
	if (!rc)
		rc = iov_registries_releases(ctx, registries, manifest->name, &releases, &count);
	for (size_t i = 0; !rc && i < count; i++)
		if (!strcmp(releases[i]->sha256, sha256)) {
			*ret = releases[i];
			return IOV_OK;
		}
	return rc ? rc
		  : iov_error(ctx, IOV_E_UNTRUSTED,
			      "archive '%s' says that it is '%s' %s, but no registry of this host has published these "
			      "bytes (sha256 %s)",
			      path, manifest->name, manifest->version.text, sha256);
}

static int verify_file(struct iov_ctx *ctx, const char *path, json_t *list)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_json_release) json_t *proof = NULL;
	const struct iov_release *release = NULL;
	struct iov_manifest *manifest = NULL;
	json_t *row = NULL;
	int rc = read_manifest(ctx, path, &manifest);
	if (!rc)
		rc = iov_registries_open_fresh(ctx, &registries);
	if (!rc)
		rc = iov_registries_need_one(ctx, registries, manifest->name);
	if (!rc)
		rc = find_release(ctx, registries, path, manifest, &release);
	iov_manifest_free(manifest);
	if (rc || !release)
		return rc;
	rc = iov_registries_prove(ctx, registries, release, &proof);
	if (rc)
		return prefixed(ctx, release);
	rc = make_row(ctx, release, proof, &from_registry, &row);
	if (rc)
		return rc;
	add_link(json_object_get(row, "chain"), "file", json_sprintf("'%s' has these bytes", path));
	return json_array_append_new(list, row) ? iov_oom(ctx) : IOV_OK;
}

static int verify_installed(struct iov_ctx *ctx, const char *name, json_t *list)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	int rc = iov_registries_open(ctx, &registries);
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc && name && !iov_generation_installed(current, name))
		rc = iov_error(ctx, IOV_E_NOT_FOUND, "module '%s' is not installed; 'iovpkg list' shows what is", name);
	for (size_t i = 0; !rc && i < current->n_installed; i++)
		if (!name || !strcmp(current->installed[i].release->manifest->name, name))
			rc = verify_one(ctx, registries, &current->installed[i], list);
	return rc;
}

int iov_verify(struct iov_ctx *ctx, const char *what, char **ret_json)
{
	iov_auto(iov_json_release) json_t *list = json_array();
	int rc = what && is_file(what) ? verify_file(ctx, what, list) : verify_installed(ctx, what, list);
	return rc ? rc : iov_answer(ctx, json_pack("{s:O}", "modules", list), ret_json);
}
