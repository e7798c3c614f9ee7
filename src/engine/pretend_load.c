#include "engine/pretend.h"

#include <string.h>

#include "core/groups.h"
#include "core/upgrade.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const struct iov_engine_import *find_import(const struct iov_engine_load *load, const char *map)
{
	for (size_t i = 0; i < load->n_imports; i++)
		if (!strcmp(load->imports[i].map, map))
			return &load->imports[i];
	return NULL;
}

static int check_import(struct iov_ctx *ctx, const struct iov_engine_load *load, const struct iov_object_map *map,
			const struct iov_engine_import *import, uint32_t *ret)
{
	int rc = iov_pretend_pinned_id(ctx, import->pin, ret);
	if (rc)
		return rc;
	if (!*ret)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "map '%s' of '%s' is not pinned at '%s'; load its provider '%s' first", map->name,
				 load->instance, import->pin, import->provider);
	if (import->contract && strcmp(import->contract->fingerprint, map->fingerprint) != 0)
		return iov_error(ctx, IOV_E_CONTRACT,
				 "map '%s' of '%s' is not what '%s' exports; install versions that agree", map->name,
				 load->instance, import->provider);
	return IOV_OK;
}

static bool keeps_map(const struct iov_engine_load *load, const struct iov_object_map *map)
{
	const struct iov_object_map *old = load->keep ? iov_object_find_map(load->keep->object, map->name) : NULL;
	return load->keep_dir && old && !strcmp(old->fingerprint, map->fingerprint) &&
	       old->max_entries == map->max_entries;
}

static int new_map(struct iov_ctx *ctx, const struct iov_object_map *map, json_t *kernel, const char *pin)
{
	iov_auto(iov_json_release) json_t *content =
		json_pack("{s:I,s:s,s:n,s:I,s:I,s:I,s:n}", "id", (json_int_t)iov_pretend_next(kernel), "type",
			  map->type, "entries", "max_entries", (json_int_t)map->max_entries, "key_size",
			  (json_int_t)map->key_size, "value_size", (json_int_t)map->value_size, "bytes");
	return content ? iov_pretend_pin(ctx, pin, content) : iov_oom(ctx);
}

/* A map whose entries move stands next to a base, as with the kernel; which says no more here than that it is there. */
static int new_base(struct iov_ctx *ctx, const struct iov_engine_load *load, const struct iov_object_map *map)
{
	iov_auto(iov_free_ptr) char *base = iov_pretend_path(load->dir, "base", map->name);
	iov_auto(iov_json_release) json_t *content = json_object();
	bool moves = load->keep_dir && load->keep && iov_object_find_map(load->keep->object, map->name);
	if (!base || !content)
		return iov_oom(ctx);
	return moves && iov_upgrade_hands_on(map) ? iov_pretend_pin(ctx, base, content) : IOV_OK;
}

static int own_map(struct iov_ctx *ctx, const struct iov_engine_load *load, const struct iov_object_map *map,
		   json_t *kernel, uint32_t *ret)
{
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(load->dir, "maps", map->name);
	iov_auto(iov_free_ptr) char *kept =
		keeps_map(load, map) ? iov_pretend_path(load->keep_dir, "maps", map->name) : NULL;
	if (!pin)
		return iov_oom(ctx);
	bool keeps = kept && iov_fs_exists(kept);
	int rc = keeps ? iov_pretend_share(ctx, kept, pin) : new_map(ctx, map, kernel, pin);
	if (!rc && !keeps)
		rc = new_base(ctx, load, map);
	return rc ? rc : iov_pretend_pinned_id(ctx, pin, ret);
}

/* Gives {"map name": id}, which each program's pin then tells. */
static int load_maps(struct iov_ctx *ctx, const struct iov_engine_load *load, json_t *kernel, json_t *ids)
{
	const struct iov_object *object = load->release->object;
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct iov_object_map *map = &object->maps[i];
		const struct iov_engine_import *import = find_import(load, map->name);
		uint32_t id = 0;
		int rc = import ? check_import(ctx, load, map, import, &id) : own_map(ctx, load, map, kernel, &id);
		if (!rc && json_object_set_new(ids, map->name, json_integer(id)))
			rc = iov_oom(ctx);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int load_program(struct iov_ctx *ctx, const struct iov_engine_load *load,
			const struct iov_object_program *program, json_t *kernel, json_t *maps)
{
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(load->dir, "progs", program->name);
	iov_auto(iov_json_release) json_t *content =
		json_pack("{s:I,s:s,s:O,s:s}", "id", (json_int_t)iov_pretend_next(kernel), "type", program->type,
			  "maps", maps, "release", load->release->manifest->version.text);
	return pin && content ? iov_pretend_pin(ctx, pin, content) : iov_oom(ctx);
}

int iov_pretend_load(struct iov_ctx *ctx, json_t *kernel, const struct iov_engine_load *load)
{
	iov_auto(iov_json_release) json_t *maps = json_object();
	const struct iov_object *object = load->release->object;
	if (!maps)
		return iov_oom(ctx);
	int rc = load_maps(ctx, load, kernel, maps);
	for (size_t i = 0; !rc && i < object->n_programs; i++)
		if (iov_program_runs(load->release->manifest, &object->programs[i], load->group))
			rc = load_program(ctx, load, &object->programs[i], kernel, maps);
	return rc;
}
