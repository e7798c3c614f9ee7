/* key revoke: a key pair goes out of use here; where it has to go out of use elsewhere is told. */
#include <stdio.h>
#include <string.h>

#include "ops/edit.h"
#include "ops/keys.h"
#include "registry/admin.h"
#include "registry/trust.h"
#include "util/cleanup.h"

static bool has_key(const struct iov_role *role, const struct iov_verifier *key)
{
	for (size_t i = 0; i < role->n_keys; i++)
		if (!memcmp(role->keys[i].key, key->key, sizeof(key->key)))
			return true;
	return false;
}

static int add(struct iov_ctx *ctx, json_t *list, const struct iov_trust *trust, const char *role, const char *command)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "command", command, "registry", trust->name, "role", role,
				"url", trust->url);
	return json_array_append_new(list, row) ? iov_oom(ctx) : IOV_OK;
}

static int add_publisher(struct iov_ctx *ctx, json_t *list, const struct iov_trust *trust, const char *pattern,
			 const char *verifier)
{
	iov_auto(iov_free_ptr) char *role = NULL;
	iov_auto(iov_free_ptr) char *command = NULL;
	if (asprintf(&role, "publisher of '%s'", pattern) < 0 ||
	    asprintf(&command, "iovpkg registry revoke PATH '%s' '%s'", pattern, verifier) < 0)
		return iov_oom(ctx);
	return add(ctx, list, trust, role, command);
}

static int add_roles(struct iov_ctx *ctx, json_t *list, const struct iov_trust *trust, const struct iov_verifier *key,
		     const char *verifier)
{
	const struct iov_root *root = iov_trust_root(trust);
	iov_auto(iov_free_ptr) char *replace = NULL;
	int rc = IOV_OK;
	if (asprintf(&replace, "iovpkg registry root prepare PATH --remove-root-key '%s' --add-root-key NEW -o FILE",
		     verifier) < 0)
		return iov_oom(ctx);
	if (has_key(&root->root, key))
		rc = add(ctx, list, trust, "root key", replace);
	if (!rc && has_key(&root->registry, key))
		rc = add(ctx, list, trust, "registry key",
			 "iovpkg registry root prepare PATH --registry-key NEW --resume COMMIT -o FILE");
	for (size_t i = 0; !rc && i < root->n_publishers; i++)
		if (has_key(&root->publishers[i].role, key))
			rc = add_publisher(ctx, list, trust, root->publishers[i].pattern, verifier);
	return rc;
}

/* A registry that this host cannot open just now is passed over with a warning: the key goes out of use all the same.
 */
static int add_registry(struct iov_ctx *ctx, json_t *list, const char *name, const struct iov_verifier *key,
			const char *verifier)
{
	struct iov_trust *trust = NULL;
	if (iov_trust_open(ctx, name, &trust)) {
		iov_warn(ctx, "whether registry '%s' names the key is not known: %s", name, iov_error_text(ctx));
		return IOV_OK;
	}
	int rc = add_roles(ctx, list, trust, key, verifier);
	iov_trust_free(trust);
	return rc;
}

static int find_uses(struct iov_ctx *ctx, const struct iov_verifier *key, const char *verifier, json_t *list)
{
	iov_auto(iov_json_release) json_t *registries = NULL;
	int rc = iov_registry_describe_all(ctx, &registries);
	for (size_t i = 0; !rc && i < json_array_size(registries); i++)
		rc = add_registry(ctx, list, json_string_value(json_object_get(json_array_get(registries, i), "name")),
				  key, verifier);
	return rc;
}

int iov_key_revoke(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	struct iov_verifier key;
	iov_auto(iov_json_release) json_t *uses = json_array();
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_KEYS "/%s.revoked", name);
	if (!uses || !path)
		return iov_oom(ctx);
	if (strchr(name, '/'))
		return iov_error(ctx, IOV_E_USAGE, "'%s' is a path; name a key that 'iovpkg key list' shows", name);
	int rc = iov_verifier_load(ctx, name, &key, NULL);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *verifier = iov_verifier_text(&key);
	if (!verifier)
		return iov_oom(ctx);
	rc = find_uses(ctx, &key, verifier, uses);
	if (!rc)
		rc = iov_signer_retire(ctx, name);
	return rc ? rc
		  : iov_answer(ctx,
			       json_pack("{s:s, s:O, s:s, s:s}", "name", name, "named_by", uses, "path", path,
					 "verifier", verifier),
			       ret_json);
}
