#include "transaction/steps.h"

#include <stdio.h>

#include "store/store.h"
#include "util/cleanup.h"

/* What the engine borrows during one load, and we own. */
struct request {
	struct iov_engine_load load;
	struct iov_engine_import *imports;
	char *object, *dir, *keep_dir;
};

static void release_request(struct request *request)
{
	for (size_t i = 0; i < request->load.n_imports; i++) {
		free((char *)request->imports[i].pin);
		free((char *)request->imports[i].provider);
	}
	free(request->imports);
	free(request->object);
	free(request->dir);
	free(request->keep_dir);
}

static char *map_pin(const struct iov_ctx *ctx, const char *instance, const char *map)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(ctx, IOV_TREE_STAGING, instance);
	iov_auto(iov_free_ptr) char *name = iov_pin_name(map);
	char *pin = NULL;
	if (!dir || !name || asprintf(&pin, "%s/maps/%s", dir, name) < 0)
		return NULL;
	return pin;
}

static char *release_title(const struct iov_release *release)
{
	char *title = NULL;
	return asprintf(&title, "%s %s", release->manifest->name, release->manifest->version.text) < 0 ? NULL : title;
}

static int fill_import(const struct iov_transaction *t, const struct iov_instance_change *change, const char *map,
		       const char *from, struct iov_engine_import *ret)
{
	const struct iov_generation *to = t->plan->to;
	const struct iov_import_spec *spec = iov_manifest_import(change->new->release->manifest, map);
	const struct iov_instance *provider = from ? iov_generation_instance(to, from) : NULL;
	const struct iov_installed *installed = provider ? iov_generation_installed(to, provider->module) : NULL;
	if (!spec || !installed)
		return iov_error(t->ctx, IOV_E_CONFLICT,
				 "instance '%s' imports map '%s' from '%s', which is not there; load it first",
				 change->after->name, map, from ? from : "?");
	ret->map = map;
	ret->access = spec->access;
	ret->contract = iov_object_find_map(installed->release->object, spec->source);
	ret->pin = map_pin(t->ctx, provider->name, spec->source);
	ret->provider = release_title(installed->release);
	return ret->pin && ret->provider ? IOV_OK : iov_oom(t->ctx);
}

static int fill_imports(const struct iov_transaction *t, const struct iov_instance_change *change,
			struct request *request)
{
	json_t *wanted = change->after->imports;
	request->imports = calloc(json_object_size(wanted) + 1, sizeof(*request->imports));
	if (!request->imports)
		return iov_oom(t->ctx);
	request->load.imports = request->imports;
	const char *map;
	json_t *from;
	json_object_foreach(wanted, map, from) {
		struct iov_engine_import *import = &request->imports[request->load.n_imports++];
		int rc = fill_import(t, change, map, json_string_value(from), import);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* Maps are kept from what runs; an instance that a restore left out has none. */
static int fill_kept(const struct iov_transaction *t, const struct iov_instance_change *change, struct request *request)
{
	if (!change->before || !iov_tree_has(t->ctx, IOV_TREE_LIVE, change->before->name))
		return IOV_OK;
	request->keep_dir = iov_tree_instance(t->ctx, IOV_TREE_LIVE, change->before->name);
	if (!request->keep_dir)
		return iov_oom(t->ctx);
	request->load.keep_dir = request->keep_dir;
	request->load.keep = change->old->release;
	return IOV_OK;
}

int iov_transaction_load(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	const struct iov_instance *after = change->after;
	iov_auto(release_request) struct request request = {
		.object = iov_store_object_path(t->ctx, change->new),
		.dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, after->name),
	};
	if (!request.object || !request.dir)
		return iov_oom(t->ctx);
	request.load = (struct iov_engine_load){.instance = after->name,
						.release = change->new->release,
						.object = request.object,
						.params = after->params,
						.group = after->group,
						.dir = request.dir,
						.back = t->plan->back,
						.lossy = t->plan->lossy};
	int rc = fill_imports(t, change, &request);
	if (!rc)
		rc = fill_kept(t, change, &request);
	return rc ? rc : t->engine->ops->load(t->engine, &request.load);
}
