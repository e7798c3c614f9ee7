/* key generate, list, show, passphrase. */
#include "ops/keys.h"

#include <errno.h>
#include <string.h>

#include "ops/edit.h"
#include "registry/admin.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const char suffix[] = ".key";

static bool is_key_file(const char *file)
{
	size_t len = strlen(file), tail = sizeof(suffix) - 1;
	return len > tail && !strcmp(file + len - tail, suffix);
}

int iov_keys_names(struct iov_ctx *ctx, json_t **ret)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_ETC "/keys");
	if (!folder)
		return iov_oom(ctx);
	char **files = NULL;
	size_t count = 0;
	int err = iov_fs_names(folder, &files, &count);
	if (err && err != -ENOENT)
		return iov_error_errno(ctx, err, "reading the keys in '%s'", folder);
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		if (is_key_file(files[i]))
			json_array_append_new(names, json_stringn(files[i], strlen(files[i]) - (sizeof(suffix) - 1)));
	iov_fs_names_free(files, count);
	if (!names)
		return iov_oom(ctx);
	*ret = names;
	return IOV_OK;
}

int iov_keys_load(struct iov_ctx *ctx, const char *name, struct iov_signer *ret)
{
	if (name)
		return iov_signer_load(ctx, name, ret);
	iov_auto(iov_json_release) json_t *names = NULL;
	int rc = iov_keys_names(ctx, &names);
	if (rc)
		return rc;
	if (json_array_size(names) == 0)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "there is no key to sign with; make one with 'iovpkg key generate NAME'");
	if (json_array_size(names) > 1)
		return iov_error(ctx, IOV_E_USAGE,
				 "there are several keys; say which one with --key ('iovpkg key list' shows them)");
	return iov_signer_load(ctx, json_string_value(json_array_get(names, 0)), ret);
}

int iov_keys_verifier(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret)
{
	return strchr(text, '+') ? iov_verifier_parse(ctx, text, ret) : iov_verifier_load(ctx, text, ret, NULL);
}

static bool is_among(const struct iov_verifier *key, const struct iov_verifier *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(keys[i].key, key->key, sizeof(key->key)) && !strcmp(keys[i].name, key->name))
			return true;
	return false;
}

/* Only the key that fits is opened: the others may ask for passphrases. */
int iov_keys_find(struct iov_ctx *ctx, const struct iov_verifier *keys, size_t count, struct iov_signer *ret,
		  bool *ret_found)
{
	iov_auto(iov_json_release) json_t *names = NULL;
	int rc = iov_keys_names(ctx, &names);
	*ret_found = false;
	for (size_t i = 0; !rc && !*ret_found && i < json_array_size(names); i++) {
		struct iov_verifier verifier;
		const char *name = json_string_value(json_array_get(names, i));
		rc = iov_verifier_load(ctx, name, &verifier, NULL);
		if (rc || !is_among(&verifier, keys, count))
			continue;
		rc = iov_signer_load(ctx, name, ret);
		*ret_found = !rc;
	}
	return rc;
}

int iov_keys_find_registry(struct iov_ctx *ctx, const char *path, struct iov_signer *ret, bool *ret_found)
{
	iov_auto(iov_free_ptr) struct iov_verifier *keys = NULL;
	size_t count = 0;
	int rc = iov_registry_signers(ctx, path, &keys, &count);
	*ret_found = false;
	return rc ? rc : iov_keys_find(ctx, keys, count, ret, ret_found);
}

int iov_keys_registry(struct iov_ctx *ctx, const char *path, const char *key, struct iov_signer *ret)
{
	if (key)
		return iov_signer_load(ctx, key, ret);
	bool found = false;
	int rc = iov_keys_find_registry(ctx, path, ret, &found);
	if (!rc && !found)
		rc = iov_error(ctx, IOV_E_NOT_FOUND,
			       "none of the keys here is the registry key of '%s'; name it with --key", path);
	return rc;
}

static json_t *describe(const struct iov_verifier *verifier, bool encrypted)
{
	iov_auto(iov_free_ptr) char *text = iov_verifier_text(verifier);
	return text ? json_pack("{s:b, s:s, s:s}", "encrypted", encrypted, "name", verifier->name, "verifier", text)
		    : NULL;
}

int iov_keys_make(struct iov_ctx *ctx, const char *name, unsigned flags, struct iov_signer *ret)
{
	int rc = iov_signer_generate(ctx, name, ret);
	if (!rc)
		rc = flags & IOV_PLAIN_KEY ? iov_signer_save(ctx, ret) : iov_signer_save_encrypted(ctx, ret);
	return rc;
}

int iov_key_generate(struct iov_ctx *ctx, const char *name, unsigned flags, char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_keys_make(ctx, name, flags, &signer);
	return rc ? rc : iov_answer(ctx, describe(&signer.verifier, !(flags & IOV_PLAIN_KEY)), ret_json);
}

int iov_key_passphrase(struct iov_ctx *ctx, const char *name, unsigned flags, char **ret_json)
{
	struct iov_verifier verifier;
	int rc = iov_signer_change(ctx, name, !(flags & IOV_PLAIN_KEY));
	if (!rc)
		rc = iov_verifier_load(ctx, name, &verifier, NULL);
	return rc ? rc : iov_answer(ctx, describe(&verifier, !(flags & IOV_PLAIN_KEY)), ret_json);
}

int iov_key_show(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	struct iov_verifier verifier;
	bool encrypted = false;
	int rc = iov_verifier_load(ctx, name, &verifier, &encrypted);
	return rc ? rc : iov_answer(ctx, describe(&verifier, encrypted), ret_json);
}

/* A file that is no key is listed as what it is: the others are still wanted. */
static json_t *describe_file(struct iov_ctx *ctx, const char *name)
{
	struct iov_verifier verifier;
	bool encrypted = false;
	if (!iov_verifier_load(ctx, name, &verifier, &encrypted))
		return describe(&verifier, encrypted);
	return json_pack("{s:s, s:s}", "error", iov_error_text(ctx), "name", name);
}

int iov_key_list(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_json_release) json_t *names = NULL, *keys = json_array();
	int rc = iov_keys_names(ctx, &names);
	for (size_t i = 0; !rc && i < json_array_size(names); i++)
		if (json_array_append_new(keys, describe_file(ctx, json_string_value(json_array_get(names, i)))))
			rc = iov_oom(ctx);
	return rc ? rc : iov_answer(ctx, json_pack("{s:O}", "keys", keys), ret_json);
}
