/* list and events: what is installed, and what loaded modules report. */
#include <string.h>

#include "engine/events.h"
#include "ops/edit.h"
#include "ops/view.h"
#include "state/generations.h"
#include "store/store.h"
#include "util/cleanup.h"

static json_t *instances_of(const struct iov_generation *generation, const char *module)
{
	json_t *names = json_array();
	for (size_t i = 0; i < generation->n_instances; i++)
		if (!strcmp(generation->instances[i].module, module))
			json_array_append_new(names, json_string(generation->instances[i].name));
	return names;
}

/* Where its instances take their maps from. */
static json_t *imports_of(const struct iov_generation *generation, const char *module)
{
	json_t *list = json_array();
	for (size_t i = 0; i < generation->n_instances; i++) {
		const struct iov_instance *one = &generation->instances[i];
		const char *map;
		json_t *from;
		if (strcmp(one->module, module) != 0)
			continue;
		json_object_foreach(one->imports, map, from)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:O}", "instance", one->name, "map", map, "from", from));
	}
	return list;
}

static json_t *module_json(const struct iov_generation *generation, const struct iov_installed *one)
{
	const struct iov_manifest *manifest = one->release->manifest;
	return json_pack("{s:s, s:s, s:s?, s:s, s:b, s:b, s:s?, s:o, s:o}", "name", manifest->name, "version",
			 manifest->version.text, "registry", one->release->registry, "sha256", one->release->sha256,
			 "wished", one->wished, "pinned", one->pinned, "requirement", one->requirement, "instances",
			 instances_of(generation, manifest->name), "imports", imports_of(generation, manifest->name));
}

int iov_list(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	int rc = iov_generation_current(ctx, &current);
	if (!rc)
		rc = iov_generation_numbers(ctx, &numbers, &count);
	if (rc)
		return rc;
	json_t *modules = json_array();
	json_t *generations = json_array();
	for (size_t i = 0; i < current->n_installed; i++)
		json_array_append_new(modules, module_json(current, &current->installed[i]));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(generations, json_integer((json_int_t)numbers[i]));
	return iov_answer(ctx,
			  json_pack("{s:I, s:o, s:o}", "generation", (json_int_t)current->number, "modules", modules,
				    "generations", generations),
			  ret_json);
}

int iov_events(struct iov_ctx *ctx, const char *instance, uint64_t limit, int stop_fd,
	       bool (*on_event)(const char *json, void *data), void *data)
{
	iov_auto(iov_view_release) struct iov_view view = {0};
	int rc = iov_view_open(ctx, &view);
	if (rc)
		return rc;
	const struct iov_instance *loaded = iov_generation_instance(view.current, instance);
	if (!loaded)
		return iov_error(ctx, IOV_E_NOT_FOUND, "no instance '%s' is loaded; 'iovpkg status' shows what is",
				 instance);
	const struct iov_installed *installed = iov_generation_installed(view.current, loaded->module);
	iov_auto(iov_free_ptr) char *object = iov_store_object_path(ctx, installed);
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&view, instance);
	if (!object || !dir)
		return iov_oom(ctx);
	return iov_engine_events(ctx, &(struct iov_events_request){.instance = instance,
								   .release = installed->release,
								   .object = object,
								   .dir = dir,
								   .limit = limit,
								   .stop_fd = stop_fd,
								   .on_event = on_event,
								   .data = data});
}
