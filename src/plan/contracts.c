#include "plan/contracts.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

/* One import of one instance, with all that it touches. */
struct import {
	struct iov_ctx *ctx;
	const struct iov_import_spec *spec;
	const struct iov_instance *instance, *provider;
	const struct iov_release *importing, *providing;
};

static const char *version_of(const struct iov_release *release)
{
	return release->manifest->version.text;
}

static int find_provider(struct import *import, const struct iov_generation *generation)
{
	const struct iov_import_spec *spec = import->spec;
	const char *name = json_string_value(json_object_get(import->instance->imports, spec->map));
	import->provider = name ? iov_generation_instance(generation, name) : NULL;
	if (!import->provider)
		return iov_error(
			import->ctx, IOV_E_CONFLICT,
			"instance '%s' needs the map '%s' of '%s', which does not run; load it with 'iovpkg load %s', "
			"or unload '%s' first",
			import->instance->name, spec->source, name ? name : spec->from, spec->from,
			import->instance->name);
	const struct iov_installed *installed = iov_generation_installed(generation, import->provider->module);
	if (!installed)
		return iov_error(
			import->ctx, IOV_E_CONFLICT,
			"instance '%s' runs module '%s', which is not installed; install it with 'iovpkg install %s'",
			name, import->provider->module, import->provider->module);
	if (strcmp(import->provider->module, spec->from) != 0)
		return iov_error(
			import->ctx, IOV_E_CONFLICT,
			"instance '%s' takes the map '%s' from '%s', which runs module '%s', not '%s'; load an "
			"instance of '%s' and name it with --import %s=INSTANCE",
			import->instance->name, spec->source, name, import->provider->module, spec->from, spec->from,
			spec->map);
	import->providing = installed->release;
	return IOV_OK;
}

static const struct iov_export_spec *find_export(const struct iov_manifest *manifest, const char *map)
{
	for (size_t i = 0; i < manifest->n_exports; i++)
		if (!strcmp(manifest->exports[i].map, map))
			return &manifest->exports[i];
	return NULL;
}

static int check_export(const struct import *import)
{
	const struct iov_import_spec *spec = import->spec;
	const struct iov_export_spec *export = find_export(import->providing->manifest, spec->source);
	if (iov_object_is_constants(spec->source))
		return iov_error(
			import->ctx, IOV_E_CONTRACT,
			"module '%s' %s imports '%s' of '%s', constants that belong to the object that was compiled "
			"with them; install another release of it",
			import->instance->module, version_of(import->importing), spec->source, spec->from);
	if (!export)
		return iov_error(import->ctx, IOV_E_CONTRACT,
				 "module '%s' %s uses the map '%s' of '%s', but '%s' %s exports no such map; install a "
				 "'%s' that fits "
				 "it, or an older '%s'",
				 import->instance->module, version_of(import->importing), spec->source, spec->from,
				 spec->from, version_of(import->providing), import->instance->module, spec->from);
	if (spec->access == IOV_WRITE && export->access == IOV_READ)
		return iov_error(import->ctx, IOV_E_CONTRACT,
				 "module '%s' %s writes the map '%s', but '%s' %s exports it for reading only; declare "
				 "the import "
				 "'access: read' if it only reads",
				 import->instance->module, version_of(import->importing), spec->source, spec->from,
				 version_of(import->providing));
	return IOV_OK;
}

static char *title_of(const struct iov_release *release, const struct iov_object_map *map)
{
	struct iov_buf title = {0};
	iov_buf_printf(&title, "%s %s: %s, key %u, value %u, flags %u", release->manifest->name, version_of(release),
		       map->type, map->key_size, map->value_size, map->flags);
	return iov_buf_take(&title);
}

static int refuse_layout(const struct import *import, const struct iov_object_map *exported,
			 const struct iov_object_map *wanted)
{
	const struct iov_import_spec *spec = import->spec;
	iov_auto(iov_free_ptr) char *left = title_of(import->providing, exported);
	iov_auto(iov_free_ptr) char *right = title_of(import->importing, wanted);
	iov_auto(iov_free_ptr) char *both =
		left && right ? iov_layout_compare_text(left, exported->layout, right, wanted->layout) : NULL;
	iov_auto(iov_buf_release) struct iov_buf changes = {0};
	iov_object_map_changes(wanted, exported, &changes);
	if (!both || iov_buf_failed(&changes))
		return iov_oom(import->ctx);
	return iov_error(
		import->ctx, IOV_E_CONTRACT,
		"module '%s' %s %s the map '%s' with values of %u bytes, laid out otherwise than the %u bytes "
		"that '%s' %s exports (%s); install a '%s' that was built for '%s' %s, or keep the older '%s'\n%.*s",
		import->instance->module, version_of(import->importing), spec->access == IOV_WRITE ? "writes" : "reads",
		spec->source, wanted->value_size, exported->value_size, spec->from, version_of(import->providing),
		changes.data ? changes.data : "another fingerprint", import->instance->module, spec->from,
		version_of(import->providing), spec->from, (int)strlen(both) - 1, both);
}

static int check_layout(const struct import *import)
{
	const struct iov_import_spec *spec = import->spec;
	const struct iov_object_map *exported = iov_object_find_map(import->providing->object, spec->source);
	const struct iov_object_map *wanted = iov_object_find_map(import->importing->object, spec->map);
	if (!exported || !wanted)
		return iov_error(import->ctx, IOV_E_CONTRACT,
				 "the object of module '%s' %s has no map '%s', which its manifest names; install "
				 "another release of it",
				 exported ? import->instance->module : spec->from,
				 version_of(exported ? import->importing : import->providing),
				 exported ? spec->map : spec->source);
	if (iov_object_map_serves(exported, wanted, spec->access == IOV_READ))
		return IOV_OK;
	return refuse_layout(import, exported, wanted);
}

static int check_import(const struct import *import)
{
	int rc = check_export(import);
	return rc ? rc : check_layout(import);
}

static int check_instance(struct iov_ctx *ctx, const struct iov_generation *generation,
			  const struct iov_instance *instance)
{
	const struct iov_installed *installed = iov_generation_installed(generation, instance->module);
	if (!installed)
		return iov_error(
			ctx, IOV_E_CONFLICT,
			"instance '%s' runs module '%s', which is not installed; install it with 'iovpkg install %s'",
			instance->name, instance->module, instance->module);
	const struct iov_manifest *manifest = installed->release->manifest;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < manifest->n_imports; i++) {
		struct import import = {.ctx = ctx,
					.spec = &manifest->imports[i],
					.instance = instance,
					.importing = installed->release};
		rc = find_provider(&import, generation);
		if (import.providing)
			rc = check_import(&import);
	}
	return rc;
}

int iov_plan_check_contracts(struct iov_ctx *ctx, const struct iov_generation *generation)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < generation->n_instances; i++)
		rc = check_instance(ctx, generation, &generation->instances[i]);
	return rc;
}

/* ---- does the map stay the same object? ---- */

uint64_t iov_plan_map_entries(const struct iov_manifest *manifest, const struct iov_instance *instance,
			      const struct iov_object_map *map)
{
	for (size_t i = 0; i < manifest->n_params; i++) {
		const struct iov_param_spec *param = &manifest->params[i];
		if (param->sets != IOV_SETS_MAX_ENTRIES || strcmp(param->sets_name, map->name) != 0)
			continue;
		const char *value = json_string_value(json_object_get(instance->params, param->name));
		return value ? strtoull(value, NULL, 0) : map->max_entries;
	}
	return map->max_entries;
}

/* The running form of a map: what it is and how big. */
static const struct iov_object_map *map_of(const struct iov_generation *generation, const char *instance_name,
					   const char *map_name, uint64_t *ret_entries)
{
	const struct iov_instance *instance = iov_generation_instance(generation, instance_name);
	const struct iov_installed *installed =
		instance ? iov_generation_installed(generation, instance->module) : NULL;
	const struct iov_object_map *map = installed ? iov_object_find_map(installed->release->object, map_name) : NULL;
	if (map)
		*ret_entries = iov_plan_map_entries(installed->release->manifest, instance, map);
	return map;
}

static bool has_variable(const struct iov_object_map *map, const char *name)
{
	size_t i;
	json_t *member;
	json_array_foreach(json_object_get(json_object_get(map->layout, "value"), "members"), i, member) {
		const char *word = json_string_value(json_object_get(member, "name"));
		if (word && !strcmp(word, name))
			return true;
	}
	return false;
}

static bool is_set_by_a_parameter(const struct iov_manifest *manifest, const struct iov_object_map *map)
{
	for (size_t i = 0; i < manifest->n_params; i++)
		if (manifest->params[i].sets == IOV_SETS_VARIABLE && has_variable(map, manifest->params[i].sets_name))
			return true;
	return false;
}

bool iov_plan_map_is_handed_on(const struct iov_generation *to, const char *provider, const char *map_name)
{
	uint64_t entries;
	const struct iov_object_map *map = map_of(to, provider, map_name, &entries);
	if (!map || !strcmp(map->type, "prog_array") || !strcmp(map->type, "struct_ops") ||
	    iov_object_is_constants(map->name))
		return false;
	const struct iov_instance *instance = iov_generation_instance(to, provider);
	const struct iov_installed *installed = iov_generation_installed(to, instance->module);
	return *map->name != '.' || !is_set_by_a_parameter(installed->release->manifest, map);
}

bool iov_plan_map_changes(const struct iov_generation *from, const struct iov_generation *to, const char *provider,
			  const char *map)
{
	uint64_t old_entries = 0, new_entries = 0;
	const struct iov_object_map *old = map_of(from, provider, map, &old_entries);
	const struct iov_object_map *new = map_of(to, provider, map, &new_entries);
	return !old || !new || old_entries != new_entries || strcmp(old->fingerprint, new->fingerprint) != 0;
}
