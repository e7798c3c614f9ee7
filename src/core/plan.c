#include "core/plan.h"

#include <stdlib.h>

#include "core/groups.h"
#include "util/cleanup.h"

static const char *const change_words[] = {
	[IOV_KEEP] = "keep",
	[IOV_LOAD] = "load",
	[IOV_REPLACE] = "replace",
	[IOV_UNLOAD] = "unload",
};

void iov_instance_change_release(struct iov_instance_change *change)
{
	for (size_t i = 0; i < change->n_sites; i++)
		free(change->sites[i].target);
	free(change->sites);
	for (size_t i = 0; i < change->n_maps; i++)
		iov_map_fate_release(&change->maps[i].fate);
	free(change->maps);
}

void iov_plan_free(struct iov_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_instances; i++)
		iov_instance_change_release(&plan->instances[i]);
	free(plan->instances);
	free(plan->releases);
	free(plan);
}

bool iov_plan_is_empty(const struct iov_plan *plan)
{
	for (size_t i = 0; i < plan->n_instances; i++)
		if (plan->instances[i].change != IOV_KEEP)
			return false;
	return plan->n_releases == 0;
}

static const struct iov_manifest *manifest_of(const struct iov_installed *installed)
{
	return installed ? installed->release->manifest : NULL;
}

/* The version, or NULL, which becomes JSON's null. */
static const char *version_of(const struct iov_installed *installed)
{
	return installed ? installed->release->manifest->version.text : NULL;
}

/* The same version with other bytes or built anew is an upgrade: something newer takes its place. */
static const char *release_word(const struct iov_release_change *one)
{
	if (!one->old)
		return "install";
	if (!one->new)
		return "remove";
	int order = iov_version_compare(&manifest_of(one->new)->version, &manifest_of(one->old)->version);
	return order < 0 ? "downgrade" : "upgrade";
}

/* The modules that this one came for; NULL when it was asked for by name, or goes. */
static json_t *needed_by(const struct iov_generation *to, const struct iov_installed *one)
{
	if (!one || one->wished)
		return NULL;
	json_t *names = json_array();
	for (size_t i = 0; i < to->n_installed; i++) {
		const struct iov_manifest *manifest = to->installed[i].release->manifest;
		if (iov_manifest_dependency(manifest, one->release->manifest->name))
			json_array_append_new(names, json_string(manifest->name));
	}
	return names;
}

static json_t *release_json(const struct iov_generation *to, const struct iov_release_change *one)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:o*}", "module", manifest_of(one->new ? one->new : one->old)->name,
			 "change", release_word(one), "from", version_of(one->old), "to", version_of(one->new),
			 "needed_by", needed_by(to, one->new));
}

static json_t *hooks_json(const struct iov_instance_change *one)
{
	json_t *hooks = json_array();
	for (size_t i = 0; hooks && i < one->n_sites; i++) {
		const struct iov_site_change *site = &one->sites[i];
		json_t *hook = json_pack("{s:s, s:s, s:s, s:s}", "change", change_words[site->change], "program",
					 site->program, "section", site->section, "target", site->target);
		if (!hook || json_array_append_new(hooks, hook)) {
			json_decref(hooks);
			return NULL;
		}
	}
	return hooks;
}

/* What will be asked of it after the switch. */
static json_t *health_json(const struct iov_plan *plan, const struct iov_instance_change *one)
{
	json_t *texts = json_array();
	bool comes = one->after && (one->change == IOV_LOAD || one->change == IOV_REPLACE);
	const struct iov_manifest *manifest = comes && !plan->no_health ? manifest_of(one->new) : NULL;
	unsigned group = one->after ? one->after->group : 0;
	for (size_t i = 0; texts && manifest && i < manifest->n_health; i++) {
		if (!iov_health_is_asked(manifest, &manifest->health[i], group))
			continue;
		iov_auto(iov_free_ptr) char *text = iov_health_text(&manifest->health[i]);
		if (text && !json_array_append_new(texts, json_string(text)))
			continue;
		json_decref(texts);
		return NULL;
	}
	return texts;
}

/* From which instances it takes its maps, and took them. */
static json_t *imports_json(const struct iov_instance_change *one)
{
	const char *map;
	json_t *from, *imports = json_array();
	json_object_foreach(one->after ? one->after->imports : NULL, map, from) {
		json_t *was = json_object_get(one->before ? one->before->imports : NULL, map);
		json_array_append_new(imports, json_pack("{s:s, s:O, s:O?}", "map", map, "from", from, "was", was));
	}
	return imports;
}

static json_t *maps_json(const struct iov_instance_change *one)
{
	static const char *const words[] = {
		[IOV_MAP_KEPT] = "keep", [IOV_MAP_MIGRATED] = "migrate", [IOV_MAP_RESET] = "reset"};
	json_t *maps = json_array();
	for (size_t i = 0; maps && i < one->n_maps; i++) {
		const struct iov_map_change *map = &one->maps[i];
		json_t *row = json_pack("{s:s, s:s, s:O}", "map", map->map, "change", words[map->fate.fate], "losses",
					map->fate.losses);
		if (!row || json_array_append_new(maps, row)) {
			json_decref(maps);
			return NULL;
		}
	}
	return maps;
}

static json_t *instance_json(const struct iov_plan *plan, const struct iov_instance_change *one)
{
	const struct iov_instance *instance = one->after ? one->after : one->before;
	iov_auto(iov_json_release) json_t *hooks = hooks_json(one);
	iov_auto(iov_json_release) json_t *maps = maps_json(one);
	if (!hooks || !maps)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:O, s:O, s:o, s:o, s:o}", "instance", instance->name, "module",
			 instance->module, "change", change_words[one->change], "from", version_of(one->old), "to",
			 version_of(one->new), "hooks", hooks, "maps", maps, "imports", imports_json(one), "health",
			 health_json(plan, one), "choice",
			 iov_choice_json(manifest_of(one->after ? one->new : one->old), instance));
}

json_t *iov_plan_json(const struct iov_plan *plan)
{
	json_t *releases = json_array(), *instances = json_array();
	int failed = !releases || !instances;
	for (size_t i = 0; !failed && i < plan->n_releases; i++)
		failed = json_array_append_new(releases, release_json(plan->to, &plan->releases[i]));
	for (size_t i = 0; !failed && i < plan->n_instances; i++)
		failed = json_array_append_new(instances, instance_json(plan, &plan->instances[i]));
	if (failed) {
		json_decref(releases);
		json_decref(instances);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:o, s:o}", "from", (json_int_t)plan->from->number, "to",
			 (json_int_t)plan->to->number, "releases", releases, "instances", instances);
}
