/* Maps: is each pinned, and does every program use the maps that are pinned for it, its own and its providers'? */
#include <stdio.h>
#include <string.h>

#include "ops/diagnose.h"
#include "util/cleanup.h"

#define KERNEL_NAME_MAX 15 /* characters that the kernel keeps of a name */

/* libbpf calls ".rodata" of an object "object_.rodata"; other names are cut off at the end. */
bool iov_diagnose_is_map(const char *kernel_name, const char *name)
{
	const char *dot = strchr(kernel_name, '.');
	if (*name == '.')
		return dot && *dot && !strncmp(dot, name, strlen(dot));
	return *kernel_name && !strncmp(kernel_name, name, KERNEL_NAME_MAX);
}

char *iov_diagnose_map_pin(const struct iov_diagnosis *diagnosis, const struct iov_instance_change *one,
			   const char *map)
{
	const struct iov_import_spec *import = iov_manifest_import(one->new->release->manifest, map);
	const char *holder = import ? json_string_value(json_object_get(one->after->imports, map)) : one->after->name;
	iov_auto(iov_free_ptr) char *dir = holder ? iov_view_dir(&diagnosis->view, holder) : NULL;
	iov_auto(iov_free_ptr) char *pin_name = iov_pin_name(import ? import->source : map);
	char *path = NULL;
	return dir && pin_name && asprintf(&path, "%s/maps/%s", dir, pin_name) > 0 ? path : NULL;
}

/* The maps of one instance as they are pinned, by position in its object. */
struct pinned_maps {
	const struct iov_object *object;
	uint32_t *ids; /* 0: not pinned; owned */
};

static void release_maps(struct pinned_maps *maps)
{
	free(maps->ids);
}

static int look_up(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one, struct pinned_maps *ret)
{
	const struct iov_object *object = one->new->release->object;
	*ret = (struct pinned_maps){.object = object, .ids = calloc(object->n_maps + 1, sizeof(*ret->ids))};
	if (!ret->ids)
		return iov_oom(diagnosis->ctx);
	for (size_t i = 0; i < object->n_maps; i++) {
		iov_auto(iov_pinned_release) struct iov_pinned pinned = {0};
		iov_auto(iov_free_ptr) char *pin = iov_diagnose_map_pin(diagnosis, one, object->maps[i].name);
		if (!pin)
			return iov_oom(diagnosis->ctx);
		int rc = diagnosis->engine->ops->inspect(diagnosis->engine, pin, &pinned);
		if (rc)
			return rc;
		ret->ids[i] = pinned.kind == IOV_PINNED_MAP ? pinned.id : 0;
		if (ret->ids[i] || iov_manifest_import(one->new->release->manifest, object->maps[i].name))
			continue; /* a missing import is the provider's finding */
		rc = iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_NO_MAP, one->after->name, pin,
				      "map '%s' of '%s' is not pinned", object->maps[i].name, one->after->name);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static bool is_pinned(const struct pinned_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->object->n_maps; i++)
		if (maps->ids[i] == id)
			return true;
	return false;
}

/* The map of the object that this map of the kernel should be; NULL: none. */
static const struct iov_object_map *find_named(const struct pinned_maps *maps, const char *name)
{
	for (size_t i = 0; i < maps->object->n_maps; i++)
		if (iov_diagnose_is_map(name, maps->object->maps[i].name))
			return &maps->object->maps[i];
	return NULL;
}

static int compare_used(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one, const char *program,
			const struct iov_used_map *used, const struct pinned_maps *maps)
{
	const struct iov_object_map *map = find_named(maps, used->name);
	if (is_pinned(maps, used->id))
		return IOV_OK;
	if (!map)
		return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_FOREIGN_MAP, one->after->name,
					program,
					"program '%s' of '%s' uses map '%s' (id %u), which its module does not have",
					program, one->after->name, used->name, used->id);
	iov_auto(iov_free_ptr) char *pin = iov_diagnose_map_pin(diagnosis, one, map->name);
	if (!pin)
		return iov_oom(diagnosis->ctx);
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_OTHER_MAP, one->after->name, pin,
				"program '%s' of '%s' uses map '%s' with id %u, which is not the one that is pinned",
				program, one->after->name, map->name, used->id);
}

static int compare_program(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one, const char *program,
			   const struct pinned_maps *maps)
{
	iov_auto(iov_pinned_release) struct iov_pinned pinned = {0};
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&diagnosis->view, one->after->name);
	iov_auto(iov_free_ptr) char *pin = NULL;
	if (!dir || asprintf(&pin, "%s/progs/%s", dir, program) < 0)
		return iov_oom(diagnosis->ctx);
	int rc = diagnosis->engine->ops->inspect(diagnosis->engine, pin, &pinned);
	for (size_t i = 0; !rc && i < pinned.n_maps; i++)
		rc = compare_used(diagnosis, one, program, &pinned.maps[i], maps);
	return rc;
}

int iov_diagnose_maps(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one)
{
	const struct iov_object *object = one->new->release->object;
	iov_auto(release_maps) struct pinned_maps maps = {0};
	int rc = look_up(diagnosis, one, &maps);
	for (size_t i = 0; !rc && i < object->n_programs; i++)
		rc = compare_program(diagnosis, one, object->programs[i].name, &maps);
	return rc;
}
