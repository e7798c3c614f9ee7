/* search and info: what the registries have. */
#include <strings.h>
#include <string.h>

#include "core/groups.h"
#include "ops/choose.h"
#include "ops/edit.h"
#include "ops/standing.h"
#include "state/generations.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct names {
	char **items;
	size_t count;
};

static void names_release(struct names *names)
{
	iov_fs_names_free(names->items, names->count);
}

static const char *installed_version(const struct iov_generation *generation, const char *name)
{
	const struct iov_installed *installed = iov_generation_installed(generation, name);
	return installed ? installed->release->manifest->version.text : NULL;
}

/* "registry name" lines name a module once for each registry that has it. */
static int add_match(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_generation *installed,
		     const char *line, const char *text, json_t *list)
{
	const char *space = strchr(line, ' ');
	const char *name = space ? space + 1 : line;
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_registries_releases(ctx, registries, name, &releases, &count);
	if (rc || !count)
		return rc;
	const struct iov_release *release = iov_choose_newest(releases, count);
	const char *summary = release->manifest->summary ? release->manifest->summary : "";
	if (text && !strcasestr(name, text) && !strcasestr(summary, text))
		return IOV_OK;
	json_t *match = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "name", name, "version",
				  release->manifest->version.text, "summary", summary, "registry", release->registry,
				  "installed", installed_version(installed, name));
	if (!match || json_array_append_new(list, match))
		return iov_oom(ctx);
	return iov_standing_describe(ctx, release, match);
}

int iov_search(struct iov_ctx *ctx, const char *text, char **ret_json)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(names_release) struct names names = {0};
	iov_auto(iov_json_release) json_t *list = json_array();
	int rc = iov_registries_open_fresh(ctx, &registries);
	if (!rc)
		rc = iov_registries_need_one(ctx, registries, text ? text : "modules");
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc)
		rc = iov_registries_names(ctx, registries, &names.items, &names.count);
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = add_match(ctx, registries, current, names.items[i], text, list);
	return rc ? rc : iov_answer(ctx, json_pack("{s:O}", "modules", list), ret_json);
}

static int add_release(struct iov_ctx *ctx, json_t *list, const struct iov_release *release)
{
	json_t *dependencies = json_object();
	const struct iov_manifest *manifest = release->manifest;
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		json_object_set_new(dependencies, manifest->dependencies[i].name,
				    json_string(iov_requirement_text(manifest->dependencies[i].requirement)));
	json_t *row = json_pack("{s:s, s:s?, s:I, s:o}", "version", manifest->version.text, "published",
				release->published, "size", (json_int_t)release->size, "dependencies", dependencies);
	if (!row || json_array_append_new(list, row))
		return iov_oom(ctx);
	return iov_standing_describe(ctx, release, row);
}

/* Of `choose`, counted from 1; NULL: none. */
static json_t *group_json(const struct iov_manifest *manifest, const char *program)
{
	unsigned group = iov_group_of(manifest, program);
	return group ? json_integer(group) : NULL;
}

static json_t *programs_json(const struct iov_release *release)
{
	json_t *list = json_array();
	for (size_t i = 0; i < release->object->n_programs; i++) {
		const struct iov_object_program *program = &release->object->programs[i];
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o?}", "name", program->name, "section", program->section,
						"group", group_json(release->manifest, program->name)));
	}
	return list;
}

static const char *access_text(enum iov_access access)
{
	return access == IOV_WRITE ? "write" : "read";
}

static const struct iov_export_spec *export_of(const struct iov_manifest *manifest, const char *map)
{
	for (size_t i = 0; i < manifest->n_exports; i++)
		if (!strcmp(manifest->exports[i].map, map))
			return &manifest->exports[i];
	return NULL;
}

static json_t *maps_json(const struct iov_release *release)
{
	json_t *list = json_array();
	for (size_t i = 0; i < release->object->n_maps; i++) {
		const struct iov_object_map *map = &release->object->maps[i];
		const struct iov_export_spec *out = export_of(release->manifest, map->name);
		const struct iov_import_spec *in = iov_manifest_import(release->manifest, map->name);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:s?}", "name", map->name, "type", map->type,
						      "export", out ? access_text(out->access) : NULL, "import",
						      in ? in->from : NULL));
	}
	return list;
}

static json_t *params_json(const struct iov_manifest *manifest)
{
	json_t *params = json_object_get(manifest->json, "params");
	json_t *list = json_array();
	for (size_t i = 0; i < manifest->n_params; i++) {
		const struct iov_param_spec *spec = &manifest->params[i];
		json_array_append_new(list, json_pack("{s:s, s:O?, s:b, s:s?, s:s?}", "name", spec->name, "type",
						      json_object_get(json_object_get(params, spec->name), "type"),
						      "required", spec->required, "default", spec->default_value,
						      "summary", spec->summary));
	}
	return list;
}

int iov_info(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_registries_open_fresh(ctx, &registries);
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc)
		rc = iov_registries_need_one(ctx, registries, name);
	if (!rc)
		rc = iov_registries_releases(ctx, registries, name, &releases, &count);
	if (rc)
		return rc;
	if (!count)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "no registry has a module named '%s'; 'iovpkg search' lists what there is", name);
	const struct iov_release *shown = iov_choose_newest(releases, count);
	const struct iov_manifest *manifest = shown->manifest;
	iov_auto(iov_json_release) json_t *list = json_array();
	for (size_t i = 0; !rc && i < count; i++)
		rc = add_release(ctx, list, releases[i]);
	if (rc)
		return rc;
	return iov_answer(ctx,
			  json_pack("{s:s, s:s?, s:s?, s:s?, s:O, s:o, s:o, s:o, s:s?}", "name", name, "summary",
				    manifest->summary, "license", manifest->license, "registry", shown->registry,
				    "releases", list, "programs", programs_json(shown), "maps", maps_json(shown),
				    "params", params_json(manifest), "installed", installed_version(current, name)),
			  ret_json);
}
