/* verify: from the pinned root down to the bytes in the store. */
#include <string.h>

#include "ops/edit.h"
#include "registry/registry.h"
#include "ops/registries.h"
#include "state/generations.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/cleanup.h"

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

/* From the pinned root to the bytes in the store, each link in words. */
static json_t *chain_of(const json_t *proof, const struct iov_release *release)
{
	json_t *chain = json_array();
	add_link(chain, "root",
		 json_sprintf("version %lld of registry '%s', from the pinned fingerprint %s",
			      number(proof, "root", "version"), release->registry,
			      string(proof, "root", "fingerprint")));
	add_link(chain, "head",
		 json_sprintf("version %lld, issued %s, good until %s", number(proof, "head", "version"),
			      string(proof, "head", "issued"), string(proof, "head", "expires")));
	add_link(chain, "log",
		 json_sprintf("entry %lld of %lld", number(proof, "log", "position"), number(proof, "log", "size")));
	add_link(chain, "publisher", joined(json_object_get(proof, "publishers")));
	add_link(chain, "archive", json_sprintf("sha256 %s", release->sha256));
	add_link(chain, "store", json_sprintf("%zu files, each as the signed record says", release->n_files));
	return chain;
}

static int verify_one(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_installed *installed,
		      json_t *list)
{
	const struct iov_release *release = installed->release;
	iov_auto(iov_json_release) json_t *proof = NULL;
	int rc = iov_registries_prove(ctx, registries, release, &proof);
	if (!rc)
		rc = iov_store_check(ctx, release);
	if (rc)
		return iov_error_prefix(ctx, "module '%s' %s", release->manifest->name,
					release->manifest->version.text);
	json_t *module = json_pack("{s:s, s:s, s:b, s:o}", "name", release->manifest->name, "version",
				   release->manifest->version.text, "good", 1, "chain", chain_of(proof, release));
	return json_array_append_new(list, module) ? iov_oom(ctx) : IOV_OK;
}

int iov_verify(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_json_release) json_t *list = json_array();
	int rc = iov_registries_open(ctx, &registries);
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc && name && !iov_generation_installed(current, name))
		rc = iov_error(ctx, IOV_E_NOT_FOUND, "module '%s' is not installed; 'iovpkg list' shows what is", name);
	for (size_t i = 0; !rc && i < current->n_installed; i++)
		if (!name || !strcmp(current->installed[i].release->manifest->name, name))
			rc = verify_one(ctx, registries, &current->installed[i], list);
	return rc ? rc : iov_answer(ctx, json_pack("{s:O}", "modules", list), ret_json);
}
