#include "ops/imports.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

/* Who asks: an instance in the making, and what it runs. */
struct importer {
	struct iov_ctx *ctx;
	const struct iov_generation *generation;
	const struct iov_manifest *manifest;
};

static int no_such_map(const struct importer *importer, const char *map)
{
	const struct iov_manifest *manifest = importer->manifest;
	iov_auto(iov_buf_release) struct iov_buf names = {0};
	for (size_t i = 0; i < manifest->n_imports; i++)
		iov_buf_printf(&names, "%s'%s'", i ? ", " : "", manifest->imports[i].map);
	return iov_error(importer->ctx, IOV_E_USAGE, "module '%s' imports no map '%s'; it imports %s", manifest->name,
			 map, names.data ? names.data : "none");
}

/* The instances that run a module, as "'a', 'b'"; owned by the caller, NULL: none. */
static char *instances_of(const struct iov_generation *generation, const char *module)
{
	struct iov_buf names = {0};
	for (size_t i = 0; i < generation->n_instances; i++)
		if (!strcmp(generation->instances[i].module, module))
			iov_buf_printf(&names, "%s'%s'", names.len ? ", " : "", generation->instances[i].name);
	return names.len ? iov_buf_take(&names) : NULL;
}

static int check_provider(const struct importer *importer, const struct iov_import_spec *spec, const char *name)
{
	const struct iov_instance *provider = iov_generation_instance(importer->generation, name);
	if (provider && !strcmp(provider->module, spec->from))
		return IOV_OK;
	if (provider)
		return iov_error(
			importer->ctx, IOV_E_CONFLICT,
			"instance '%s' runs module '%s', but the map '%s' of '%s' comes from '%s'; name an instance "
			"of that, or load one with 'iovpkg load %s --as NAME'",
			name, provider->module, spec->map, importer->manifest->name, spec->from, spec->from);
	iov_auto(iov_free_ptr) char *others = instances_of(importer->generation, spec->from);
	return iov_error(
		importer->ctx, IOV_E_NOT_FOUND,
		"no instance '%s' is loaded to take the map '%s' from; load it with 'iovpkg load %s --as %s'%s%s", name,
		spec->map, spec->from, name, others ? ", or take it from " : "", others ? others : "");
}

/* One "MAP=INSTANCE". */
static int choose(const struct importer *importer, const char *item, json_t *chosen, json_t *seen)
{
	size_t len = strcspn(item, "=");
	iov_auto(iov_free_ptr) char *map = strndup(item, len);
	if (!map)
		return iov_oom(importer->ctx);
	if (!len || item[len] != '=' || !item[len + 1])
		return iov_error(importer->ctx, IOV_E_USAGE, "'%s' is no import; write MAP=INSTANCE", item);
	const struct iov_import_spec *spec = iov_manifest_import(importer->manifest, map);
	if (!spec)
		return no_such_map(importer, map);
	if (json_object_get(seen, map))
		return iov_error(importer->ctx, IOV_E_USAGE, "the import '%s' is given twice; give it once", map);
	int rc = check_provider(importer, spec, item + len + 1);
	if (!rc && (json_object_set_new(chosen, map, json_string(item + len + 1)) ||
		    json_object_set_new(seen, map, json_true())))
		rc = iov_oom(importer->ctx);
	return rc;
}

int iov_imports_choose(struct iov_ctx *ctx, const struct iov_generation *generation,
		       const struct iov_manifest *manifest, struct iov_settings given, const json_t *before,
		       json_t **ret)
{
	const struct importer importer = {ctx, generation, manifest};
	iov_auto(iov_json_release) json_t *chosen = json_object();
	iov_auto(iov_json_release) json_t *seen = json_object();
	if (!chosen || !seen || (before && json_object_update(chosen, (json_t *)before)))
		return iov_oom(ctx);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < given.n_imports; i++)
		rc = choose(&importer, given.imports[i], chosen, seen);
	if (!rc)
		*ret = iov_take(chosen);
	return rc;
}
