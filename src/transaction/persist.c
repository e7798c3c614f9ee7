/* Maps under `persist`: their entries go to files when a host is about to end, and come back when it is brought up. */
#include <inttypes.h>
#include <stdio.h>

#include "state/generations.h"
#include "state/saved.h"
#include "core/fault.h"
#include "transaction/steps.h"
#include "util/cleanup.h"
#include "util/fs.h"

static char *pin_of(struct iov_ctx *ctx, enum iov_tree tree, const char *instance, const char *map)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(ctx, tree, instance);
	iov_auto(iov_free_ptr) char *name = iov_pin_name(map);
	char *pin = NULL;
	return dir && name && asprintf(&pin, "%s/maps/%s", dir, name) >= 0 ? pin : NULL;
}

/* ---- back from files ---- */

/* A host comes up with what it has: a map that cannot be filled starts empty, and its file stays for people to look at.
 */
static void start_empty(const struct iov_transaction *t, const char *instance, const char *map, const char *path)
{
	iov_warn(t->ctx, "map '%s' of '%s' starts empty: %s", map, instance, iov_error_text(t->ctx));
	if (iov_saved_set_aside(t->ctx, path))
		iov_warn(t->ctx, "%s", iov_error_text(t->ctx));
}

static int fill_map(const struct iov_transaction *t, const struct iov_instance_change *change, const char *map)
{
	const char *instance = change->after->name;
	const struct iov_object_map *record = iov_object_find_map(change->new->release->object, map);
	iov_auto(iov_free_ptr) char *path = iov_saved_path(t->ctx, instance, map);
	iov_auto(iov_free_ptr) char *pin = pin_of(t->ctx, IOV_TREE_STAGING, instance, map);
	struct iov_filled filled = {0};
	if (!path || !pin)
		return iov_oom(t->ctx);
	if (!record || !iov_fs_exists(path))
		return IOV_OK;
	const json_t *maps = json_object_get(change->new->release->manifest->json, "maps");
	const json_t *upgrade = json_object_get(json_object_get(maps, "upgrade"), map);
	if (t->engine->ops->fill_map(t->engine, pin, record, path, upgrade, &filled))
		start_empty(t, instance, map, path);
	else if (filled.dropped)
		iov_warn(t->ctx, "map '%s' of '%s' has room for %" PRIu64 " of its saved entries; %" PRIu64 " are lost",
			 map, instance, filled.entries, filled.dropped);
	return iov_fault(t->ctx, "map filled");
}

int iov_transaction_fill(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	const struct iov_manifest *manifest = change->new->release->manifest;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < manifest->n_persist; i++)
		rc = fill_map(t, change, manifest->persist[i]);
	return rc;
}

/* ---- to files ---- */

struct saving {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	json_t *maps; /* what was saved */
};

static int save_map(const struct saving *saving, const struct iov_instance *instance,
		    const struct iov_installed *installed, const char *map)
{
	struct iov_ctx *ctx = saving->ctx;
	const struct iov_object_map *record = iov_object_find_map(installed->release->object, map);
	iov_auto(iov_free_ptr) char *path = iov_saved_path(ctx, instance->name, map);
	iov_auto(iov_free_ptr) char *pin = pin_of(ctx, IOV_TREE_LIVE, instance->name, map);
	uint64_t entries = 0;
	if (!path || !pin)
		return iov_oom(ctx);
	if (!record)
		return iov_error(ctx, IOV_E_INPUT, "module '%s' has no map '%s' that could be saved", instance->module,
				 map);
	int rc = saving->engine->ops->save_map(saving->engine, pin, record, path, &entries);
	if (rc)
		return iov_error_prefix(ctx, "instance '%s'", instance->name);
	json_t *row = json_pack("{s:s, s:s, s:I, s:s}", "instance", instance->name, "map", map, "entries",
				(json_int_t)entries, "file", path);
	return !row || json_array_append_new(saving->maps, row) ? iov_oom(ctx) : IOV_OK;
}

static int save_instance(const struct saving *saving, const struct iov_generation *generation,
			 const struct iov_instance *instance, struct iov_failures *failures)
{
	const struct iov_installed *installed = iov_generation_installed(generation, instance->module);
	const struct iov_manifest *manifest = installed ? installed->release->manifest : NULL;
	if (!manifest || !manifest->n_persist)
		return IOV_OK;
	if (!iov_tree_has(saving->ctx, IOV_TREE_LIVE, instance->name)) {
		iov_warn(saving->ctx, "instance '%s' does not run; what was saved of it before stays", instance->name);
		return IOV_OK;
	}
	iov_step(saving->ctx, "saving", instance->name);
	for (size_t i = 0; i < manifest->n_persist; i++)
		iov_failures_note(saving->ctx, failures, save_map(saving, instance, installed, manifest->persist[i]));
	iov_done(saving->ctx, "saving", instance->name);
	return IOV_OK;
}

int iov_transaction_save(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *generation,
			 json_t *ret_maps)
{
	const struct saving saving = {.ctx = ctx, .engine = engine, .maps = ret_maps};
	struct iov_failures failures = {0};
	for (size_t i = 0; i < generation->n_instances; i++)
		iov_failures_note(ctx, &failures,
				  save_instance(&saving, generation, &generation->instances[i], &failures));
	return iov_failures_end(ctx, &failures);
}
