/* key generate, list, show. */
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

static bool is_among(const struct iov_verifier *key, const struct iov_verifier *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(keys[i].key, key->key, sizeof(key->key)) && !strcmp(keys[i].name, key->name))
			return true;
	return false;
}

int iov_keys_find_registry(struct iov_ctx *ctx, const char *path, struct iov_signer *ret, bool *ret_found)
{
	iov_auto(iov_free_ptr) struct iov_verifier *keys = NULL;
	iov_auto(iov_json_release) json_t *names = NULL;
	size_t count = 0;
	int rc = iov_registry_signers(ctx, path, &keys, &count);
	if (!rc)
		rc = iov_keys_names(ctx, &names);
	*ret_found = false;
	for (size_t i = 0; !rc && !*ret_found && i < json_array_size(names); i++) {
		iov_auto(iov_signer_release) struct iov_signer signer = {0};
		rc = iov_signer_load(ctx, json_string_value(json_array_get(names, i)), &signer);
		if (rc || !is_among(&signer.verifier, keys, count))
			continue;
		*ret = signer;
		*ret_found = true;
	}
	return rc;
}

static int answer_key(struct iov_ctx *ctx, const struct iov_signer *signer, char **ret_json)
{
	iov_auto(iov_free_ptr) char *verifier = iov_verifier_text(&signer->verifier);
	if (!verifier)
		return iov_oom(ctx);
	return iov_answer(ctx, json_pack("{s:s, s:s}", "name", signer->verifier.name, "verifier", verifier), ret_json);
}

int iov_key_generate(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_signer_generate(ctx, name, &signer);
	if (!rc)
		rc = iov_signer_save(ctx, &signer);
	return rc ? rc : answer_key(ctx, &signer, ret_json);
}

int iov_key_show(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_signer_load(ctx, name, &signer);
	return rc ? rc : answer_key(ctx, &signer, ret_json);
}

int iov_key_list(struct iov_ctx *ctx, char **ret_json)
{
	json_t *names = NULL;
	int rc = iov_keys_names(ctx, &names);
	return rc ? rc : iov_answer(ctx, json_pack("{s:o}", "keys", names), ret_json);
}
