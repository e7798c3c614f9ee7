/* registry root show, prepare, sign, publish; registry grant, revoke. */
#include "ops/root.h"

#include <stdio.h>
#include <string.h>

#include "core/manifest.h"
#include "ops/edit.h"
#include "ops/keys.h"
#include "ops/sign.h"
#include "registry/trust.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* ---- show ---- */

static bool is_name_here(const struct iov_ctx *ctx, const char *registry)
{
	iov_auto(iov_free_ptr) char *folder = iov_is_name(registry) ? iov_trust_folder(ctx, registry) : NULL;
	return folder && iov_fs_exists(folder);
}

static int chain_of_trust(struct iov_ctx *ctx, const char *name, struct iov_root_chain *ret)
{
	struct iov_trust *trust = NULL;
	int rc = iov_trust_open(ctx, name, &trust);
	if (rc)
		return rc;
	*ret = (struct iov_root_chain){trust->roots, trust->n_roots};
	trust->roots = NULL;
	trust->n_roots = 0;
	iov_trust_free(trust);
	return IOV_OK;
}

int iov_root_chain_of(struct iov_ctx *ctx, const char *registry, struct iov_root_chain *ret)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_free_ptr) char *place = NULL;
	if (is_name_here(ctx, registry))
		return chain_of_trust(ctx, registry, ret);
	int rc = iov_root_place(ctx, registry, &place);
	if (!rc)
		rc = iov_host_open(ctx, place, &host);
	if (rc)
		return rc;
	struct iov_source source = iov_host_source(&host);
	return iov_root_chain_read(ctx, &source, ret);
}

int iov_root_show(struct iov_ctx *ctx, const char *registry, char **ret_json)
{
	iov_auto(iov_root_chain_release) struct iov_root_chain chain = {.roots = NULL};
	iov_auto(iov_json_release) json_t *list = json_array();
	json_t *newest = NULL;
	int rc = list ? iov_root_chain_of(ctx, registry, &chain) : iov_oom(ctx);
	for (size_t i = 0; !rc && i < chain.count; i++) {
		json_t *one = NULL;
		rc = iov_root_describe(ctx, chain.roots[i], &one);
		if (!rc && json_array_append_new(list, json_pack("{s:O, s:O, s:O, s:O}", "expires",
								 json_object_get(one, "expires"), "sha256",
								 json_object_get(one, "sha256"), "signatures",
								 json_object_get(one, "signatures"), "version",
								 json_object_get(one, "version"))))
			rc = iov_oom(ctx);
		json_decref(newest);
		newest = one;
	}
	if (rc) {
		json_decref(newest);
		return rc;
	}
	return iov_answer(ctx, json_pack("{s:O, s:o}", "chain", list, "root", newest), ret_json);
}

/* ---- prepare ---- */

int iov_root_prepare(struct iov_ctx *ctx, const char *path, const struct iov_root_changes *changes, const char *output,
		     char **ret_json)
{
	struct iov_root *now = NULL;
	json_t *answer = NULL;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_root_place(ctx, path, &place);
	if (!rc)
		rc = iov_root_next(ctx, place, changes, &note, &now);
	if (!rc)
		rc = iov_root_write(ctx, output, now, &note, &answer);
	iov_root_free(now);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

/* ---- sign ---- */

/* A root that the file follows, so that what it changes can be told; *ret stays NULL where there is none. */
static int root_of_file(struct iov_ctx *ctx, const char *file, struct iov_root **ret)
{
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	int err = iov_fs_read(file, IOV_ROOT_MAX, &bytes);
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", file);
	return iov_root_parse(ctx, file, bytes.data, bytes.len, ret);
}

static int newest_of(struct iov_ctx *ctx, const char *registry, struct iov_root **ret)
{
	iov_auto(iov_root_chain_release) struct iov_root_chain chain = {.roots = NULL};
	int rc = iov_root_chain_of(ctx, registry, &chain);
	if (rc)
		return rc;
	chain.count--;
	*ret = iov_take(chain.roots[chain.count]);
	return IOV_OK;
}

static int find_by_origin(struct iov_ctx *ctx, const char *origin, struct iov_root **ret)
{
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, "");
	char **names = NULL;
	size_t count = 0;
	if (!folder)
		return iov_oom(ctx);
	if (iov_fs_names(folder, &names, &count))
		return IOV_OK;
	for (size_t i = 0; i < count && !*ret; i++) {
		struct iov_root *root = NULL;
		if (!iov_is_name(names[i]) || newest_of(ctx, names[i], &root))
			continue;
		if (!strcmp(root->origin, origin))
			*ret = iov_take(root);
		iov_root_free(root);
	}
	iov_fs_names_free(names, count);
	return IOV_OK;
}

static int find_now(struct iov_ctx *ctx, const char *against, const struct iov_root *next, struct iov_root **ret)
{
	size_t len = against ? strlen(against) : 0;
	if (!against)
		return find_by_origin(ctx, next->origin, ret);
	if (len > 5 && !strcmp(against + len - 5, ".note"))
		return root_of_file(ctx, against, ret);
	return newest_of(ctx, against, ret);
}

static int ask(struct iov_ctx *ctx, const struct iov_root *now, const struct iov_root *next, json_t *changes)
{
	json_t *described = NULL;
	int rc = iov_root_describe(ctx, next, &described);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *question =
		json_pack("{s:O, s:I, s:o}", "changes", changes, "follows", (json_int_t)(now ? now->version : 0),
			  "root", described);
	iov_auto(iov_free_ptr) char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	if (!text)
		return iov_oom(ctx);
	if (ctx->config.confirm && ctx->config.confirm(IOV_ASK_SIGN, text, ctx->config.data))
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_DECLINED,
		"root %llu of '%s' is not signed; say yes to what it changes, or --yes where nobody can be asked",
		(unsigned long long)next->version, next->origin);
}

static int check_follows(struct iov_ctx *ctx, const struct iov_root *now, const struct iov_root *next)
{
	if (!now || (now->version + 1 == next->version && !strcmp(now->origin, next->origin)))
		return IOV_OK;
	return iov_error(ctx, IOV_E_CONFLICT,
			 "it is root %llu of '%s', and what it is compared with is root %llu of '%s'; update that, or "
			 "prepare the root again",
			 (unsigned long long)next->version, next->origin, (unsigned long long)now->version,
			 now->origin);
}

/* All but the signature itself. */
static int agree(struct iov_ctx *ctx, const struct iov_root *next, const char *against)
{
	struct iov_root *now = NULL;
	iov_auto(iov_json_release) json_t *changes = NULL;
	int rc = find_now(ctx, against, next, &now);
	if (!rc)
		rc = check_follows(ctx, now, next);
	if (!rc && !now)
		iov_note(ctx, "no root of '%s' is at hand to compare with, so all that the new one says is shown",
			 next->origin);
	if (!rc)
		rc = iov_root_words(ctx, now, next, &changes);
	if (!rc)
		rc = ask(ctx, now, next, changes);
	iov_root_free(now);
	return rc;
}

int iov_root_sign(struct iov_ctx *ctx, const char *file, const char *key, const char *against, char **ret_json)
{
	struct iov_root *next = NULL;
	char subject[IOV_KEY_NAME_MAX + 40];
	json_t *answer = NULL;
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	iov_auto(iov_json_release) json_t *document = NULL;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_prepared_read(ctx, file, &bytes, &document);
	if (!rc)
		rc = iov_root_parse_prepared(ctx, file, bytes.data, bytes.len, &next);
	if (!rc)
		rc = agree(ctx, next, against);
	if (!rc)
		rc = iov_keys_load(ctx, key, &signer);
	if (!rc) {
		snprintf(subject, sizeof(subject), "root %llu of %s", (unsigned long long)next->version, next->origin);
		rc = iov_prepared_sign(ctx, file, &bytes, &signer, subject, &answer);
	}
	iov_root_free(next);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

/* ---- publish ---- */

/* The registry key: named, or the one here that the new root names. */
static int registry_key(struct iov_ctx *ctx, const struct iov_root *next, const char *key, struct iov_signer *ret)
{
	bool found = false;
	if (key)
		return iov_signer_load(ctx, key, ret);
	int rc = iov_keys_find(ctx, next->registry.keys, next->registry.n_keys, ret, &found);
	if (!rc && !found)
		rc = iov_error(
			ctx, IOV_E_NOT_FOUND,
			"none of the keys here may sign heads by root %llu; name a key of the registry with --key",
			(unsigned long long)next->version);
	return rc;
}

static int publish(struct iov_ctx *ctx, const char *place, const struct iov_buf *note, const char *key,
		   const char *resume, json_t **ret)
{
	struct iov_root *next = NULL;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_root_parse(ctx, "the new root", note->data, note->len, &next);
	if (!rc)
		rc = registry_key(ctx, next, key, &signer);
	iov_root_free(next);
	return rc ? rc : iov_root_publish_note(ctx, place, note, resume, &signer, ret);
}

int iov_root_publish(struct iov_ctx *ctx, const char *path, const char *file, const char *key, const char *resume,
		     char **ret_json)
{
	json_t *answer = NULL;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	iov_auto(iov_json_release) json_t *document = NULL;
	int rc = iov_root_place(ctx, path, &place);
	if (!rc)
		rc = iov_prepared_read(ctx, file, &bytes, &document);
	if (!rc)
		rc = publish(ctx, place, &bytes, key, resume, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

/* ---- grant, revoke ---- */

/* A root key that is here, where one signature is enough. */
static int find_root_key(struct iov_ctx *ctx, const struct iov_root *now, const char *key, struct iov_signer *ret,
			 bool *ret_found)
{
	*ret_found = false;
	if (now->root.threshold > 1)
		return IOV_OK;
	if (!key)
		return iov_keys_find(ctx, now->root.keys, now->root.n_keys, ret, ret_found);
	int rc = iov_signer_load(ctx, key, ret);
	*ret_found = !rc && iov_role_has(&now->root, &ret->verifier);
	if (!rc && !*ret_found)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "key '%s' is no root key of '%s'; 'iovpkg registry root show' lists them", key,
				 now->origin);
	return rc;
}

/* Nobody shall have to guess where a root went that is not in force yet. */
static int no_root_key(struct iov_ctx *ctx, const struct iov_root *now)
{
	return iov_error(
		ctx, IOV_E_NOT_FOUND,
		"a new root of '%s' needs %zu of its %zu root keys, %s; write it to a file with -o FILE, have it "
		"signed with 'iovpkg registry root sign', and publish it with 'iovpkg registry root publish'",
		now->origin, now->root.threshold, now->root.n_keys,
		now->root.threshold > 1 ? "more than one command can give" : "and none is here");
}

static int sign_and_publish(struct iov_ctx *ctx, const char *place, const struct iov_root *now,
			    const struct iov_buf *note, const char *key, json_t **ret)
{
	bool found = false, again = false;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_buf_release) struct iov_buf whole = {0};
	int rc = find_root_key(ctx, now, key, &signer, &found);
	if (!rc && !found)
		rc = no_root_key(ctx, now);
	if (!rc)
		rc = iov_note_cosign(ctx, "the new root", note->data, note->len, &signer, &whole, &again);
	return rc ? rc : publish(ctx, place, &whole, NULL, NULL, ret);
}

static int change(struct iov_ctx *ctx, const char *path, const struct iov_root_changes *changes, const char *key,
		  const char *output, char **ret_json)
{
	struct iov_root *now = NULL;
	json_t *answer = NULL;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_root_place(ctx, path, &place);
	if (!rc)
		rc = iov_root_next(ctx, place, changes, &note, &now);
	if (!rc && output)
		rc = iov_root_write(ctx, output, now, &note, &answer);
	else if (!rc)
		rc = sign_and_publish(ctx, place, now, &note, key, &answer);
	iov_root_free(now);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

static int change_publisher(struct iov_ctx *ctx, const char *path, const char *pattern, const char *publisher,
			    struct iov_root_changes changes, const char *key, const char *output, char **ret_json)
{
	iov_auto(iov_free_ptr) char *rule = NULL;
	if (asprintf(&rule, "%s=%s", pattern, publisher) < 0)
		return iov_oom(ctx);
	const char *const *rules = (const char *const *)&rule;
	*(changes.n_publishers ? &changes.publishers : &changes.gone_publishers) = rules;
	return change(ctx, path, &changes, key, output, ret_json);
}

int iov_registry_grant(struct iov_ctx *ctx, const char *path, const char *pattern, const char *publisher,
		       const char *key, const char *output, char **ret_json)
{
	struct iov_root_changes changes = {.n_publishers = 1};
	return change_publisher(ctx, path, pattern, publisher, changes, key, output, ret_json);
}

int iov_registry_revoke(struct iov_ctx *ctx, const char *path, const char *pattern, const char *publisher,
			const char *since, const char *key, const char *output, char **ret_json)
{
	struct iov_root_changes changes = {.n_gone_publishers = 1, .since = since};
	return change_publisher(ctx, path, pattern, publisher, changes, key, output, ret_json);
}
