/* registry init, add, rm, list, update, accept, refresh. */
#include <string.h>

#include "core/manifest.h"
#include "credentials/credentials.h"
#include "ops/edit.h"
#include "ops/keys.h"
#include "ops/registries.h"
#include "registry/admin.h"
#include "registry/publish.h"
#include "util/cleanup.h"

/* The key pair of that name, made when there is none yet. */
static int load_or_generate(struct iov_ctx *ctx, const char *name, unsigned flags, struct iov_signer *ret)
{
	int rc = iov_signer_load(ctx, name, ret);
	if (rc != IOV_E_NOT_FOUND)
		return rc;
	rc = iov_keys_make(ctx, name, flags, ret);
	if (!rc)
		iov_note(
			ctx,
			"made the key pair '%s'; keep its private half safe, whoever has it can sign for this registry",
			name);
	return rc;
}

int iov_registry_init(struct iov_ctx *ctx, const char *path, const char *origin, const char *key,
		      const char *const *publishers, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_json_release) json_t *answer = NULL;
	if (!key)
		key = "registry";
	int rc = load_or_generate(ctx, key, flags, &signer);
	if (!rc)
		rc = iov_registry_create(ctx, path, origin, &signer, publishers, count, &answer);
	if (!rc && (flags & IOV_HOOK))
		rc = iov_registry_install_hook(ctx, path, key);
	return rc ? rc : iov_answer(ctx, iov_take(answer), ret_json);
}

/* Where its credential comes from; the registries are listed, whatever is wrong with that. */
static json_t *credentials_of(struct iov_ctx *ctx, const char *url)
{
	json_t *found = NULL;
	if (iov_credential_describe(ctx, url, &found) == IOV_OK)
		return found;
	iov_warn(ctx, "%s", iov_error_text(ctx));
	return json_null();
}

/* What `registry list` and `registry add` say of one registry. */
static json_t *summary(struct iov_ctx *ctx, const json_t *one)
{
	const json_t *head = json_object_get(one, "head");
	return json_pack("{s:o, s:O, s:O, s:O, s:O, s:O?, s:O?, s:O}", "credentials",
			 credentials_of(ctx, json_string_value(json_object_get(one, "url"))), "name",
			 json_object_get(one, "name"), "url", json_object_get(one, "url"), "fingerprint",
			 json_object_get(one, "fingerprint"), "origin", json_object_get(one, "origin"), "head_version",
			 json_object_get(head, "version"), "expires", json_object_get(head, "expires"), "expired",
			 json_object_get(one, "expired"));
}

int iov_registry_add(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint, char **ret_json)
{
	return iov_registry_add_witnessed(ctx, name, url, fingerprint, NULL, 0, 0, ret_json);
}

int iov_registry_add_witnessed(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint,
			       const char *const *witnesses, size_t count, uint64_t cosigners, char **ret_json)
{
	if (!iov_is_name(name))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' cannot name a registry; use lower-case letters, digits and '-'", name);
	iov_auto(iov_json_release) json_t *pinned = NULL;
	iov_auto(iov_json_release) json_t *keys = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(keys, json_string(witnesses[i]));
	int rc = iov_registry_pin_witnessed(ctx, name, url, fingerprint, keys, (size_t)cosigners, &pinned);
	return rc ? rc : iov_answer(ctx, summary(ctx, pinned), ret_json);
}

int iov_registry_remove(struct iov_ctx *ctx, const char *name)
{
	return iov_registry_forget(ctx, name);
}

/* {"registries": [...]} of all, or of the one named. */
static int summaries(struct iov_ctx *ctx, const char *name, json_t **ret)
{
	iov_auto(iov_json_release) json_t *all = NULL;
	int rc = iov_registry_describe_all(ctx, &all);
	if (rc)
		return rc;
	json_t *list = json_array();
	size_t i;
	json_t *one;
	json_array_foreach(all, i, one)
		if (!name || !strcmp(json_string_value(json_object_get(one, "name")), name))
			json_array_append_new(list, summary(ctx, one));
	*ret = json_pack("{s:o}", "registries", list);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_registry_list(struct iov_ctx *ctx, char **ret_json)
{
	json_t *answer = NULL;
	int rc = summaries(ctx, NULL, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

/* Adds to `after` what it took. */
static void add_traffic(struct iov_registries *registries, json_t *after)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(after, "registries"), i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		json_t *traffic = name ? iov_registries_traffic(registries, name) : NULL;
		if (traffic)
			json_object_set_new(one, "traffic", traffic);
	}
}

/* Marks in `after` what differs from `before`. */
static void mark_changed(const json_t *before, json_t *after)
{
	json_t *list = json_object_get(after, "registries");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *now = json_array_get(list, i);
		const json_t *was = json_array_get(json_object_get(before, "registries"), i);
		bool same = json_equal(json_object_get(was, "head_version"), json_object_get(now, "head_version"));
		json_object_set_new(now, "changed", json_boolean(!same));
	}
}

int iov_registry_update(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_json_release) json_t *before = NULL;
	json_t *after = NULL;
	if (ctx->config.offline)
		return iov_error(ctx, IOV_E_USAGE, "updating a registry needs the network; leave --offline out");
	int rc = summaries(ctx, name, &before);
	if (!rc)
		rc = iov_registries_open(ctx, &registries);
	if (!rc)
		rc = iov_registries_update(ctx, registries, name);
	if (!rc)
		rc = summaries(ctx, name, &after);
	if (rc)
		return rc;
	mark_changed(before, after);
	add_traffic(registries, after);
	return iov_answer(ctx, after, ret_json);
}

int iov_registry_refresh(struct iov_ctx *ctx, const char *path, const char *key, unsigned days, unsigned left,
			 char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	json_t *answer = NULL;
	int rc = iov_keys_registry(ctx, path, key, &signer);
	if (!rc)
		rc = iov_registry_resign_head(ctx, path, &signer, days, left, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
