/*
 * Which maps an object gets: imported ones from their providers, those that the running release hands on, and new ones,
 * which libbpf makes.
 *
 * A map is handed on when it is what the new release was built for. .rodata is not: it holds what the new program was
 * compiled with. A program array is not either: the old programs still call through it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "engine/loading.h"
#include "engine/pins.h"
#include "util/cleanup.h"

struct iov_loading_map *iov_loading_find_map(struct iov_loading *loading, const char *name)
{
	for (size_t i = 0; i < loading->n_maps; i++)
		if (!strcmp(loading->maps[i].name, name))
			return &loading->maps[i];
	return NULL;
}

static int reuse(struct iov_loading *loading, struct iov_loading_map *map, int fd)
{
	if (bpf_map__reuse_fd(map->map, fd))
		return iov_error_errno(loading->ctx, errno, "%s: cannot use the live map '%s'", loading->title,
				       map->name);
	return IOV_OK;
}

static int import(struct iov_loading *loading, const struct iov_engine_import *import)
{
	struct iov_loading_map *map = iov_loading_find_map(loading, import->map);
	iov_auto(iov_close_fd) int fd = -1;
	if (!map)
		return iov_error(
			loading->ctx, IOV_E_INPUT,
			"%s imports map '%s', which its object does not have; correct 'imports' in the manifest",
			loading->title, import->map);
	int rc = iov_pins_open(loading->ctx, import->pin, &fd);
	if (rc)
		return rc;
	if (fd < 0)
		return iov_error(loading->ctx, IOV_E_NOT_FOUND,
				 "%s imports map '%s' of %s, which is not pinned at '%s'; load %s first",
				 loading->title, import->map, import->provider, import->pin, import->provider);
	const struct iov_contract contract = {
		.expected = map,
		.reader = loading->title,
		.provider = import->provider,
		.record = import->contract,
		.read_only = import->access == IOV_READ,
		.remedy = "use a release of one of them that fits the other",
	};
	rc = iov_contract_check(loading, &contract, fd);
	if (rc)
		return rc;
	map->imported = true;
	map->has_twin = import->access == IOV_READ && iov_readonly_has_twin(loading, map);
	return reuse(loading, map, fd);
}

/* The manifest's word on a map that cannot be handed on: "reset", "migrate" or NULL. */
static const char *on_change(const struct iov_loading *loading, const char *map)
{
	const json_t *maps = json_object_get(loading->load->release->manifest->json, "maps");
	const json_t *upgrade = json_object_get(json_object_get(maps, "upgrade"), map);
	return json_string_value(json_object_get(upgrade, "on_change"));
}

static bool is_constant(const struct iov_loading_map *map)
{
	return !strncmp(map->name, ".rodata", 7) || !strncmp(map->name, ".kconfig", 8);
}

static bool is_globals(const struct iov_loading_map *map)
{
	return map->name[0] == '.';
}

static bool is_handed_on(const struct iov_loading_map *map)
{
	return !is_constant(map) && !map->set && bpf_map__type(map->map) != BPF_MAP_TYPE_PROG_ARRAY;
}

/* The kernel rounds the size of a ring buffer, and of some LRU maps, up. */
static bool has_room(const struct iov_loading_map *map, const struct bpf_map_info *info)
{
	uint32_t wanted = bpf_map__max_entries(map->map);
	if (!wanted || info->type == BPF_MAP_TYPE_RINGBUF || info->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return true;
	if (info->map_flags & BPF_F_NO_COMMON_LRU)
		return info->max_entries >= wanted && info->max_entries - wanted < (uint32_t)libbpf_num_possible_cpus();
	return info->max_entries == wanted;
}

/* What to do when a map of the running release does not fit: the error that stands says how. */
static int give_up(struct iov_loading *loading, const struct iov_loading_map *map, int rc)
{
	const char *word = on_change(loading, map->name);
	if (rc != IOV_E_CONTRACT)
		return rc;
	if (word && !strcmp(word, "reset")) {
		iov_note(loading->ctx, "map '%s' of '%s' starts empty: %s changes it, and its manifest says reset",
			 map->name, loading->load->instance, loading->title);
		return IOV_OK;
	}
	if (is_globals(map)) {
		iov_warn(loading->ctx, "the global variables in '%s' of '%s' start anew: %s changes them", map->name,
			 loading->load->instance, loading->title);
		return IOV_OK;
	}
	return rc;
}

static int check_room(struct iov_loading *loading, const struct iov_loading_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return iov_error_errno(loading->ctx, errno, "cannot ask the kernel about map '%s'", map->name);
	if (has_room(map, &info))
		return IOV_OK;
	return iov_error(loading->ctx, IOV_E_CONTRACT,
			 "map '%s' of '%s' has room for %u entries, and %s wants %u; unload '%s' and load it again to "
			 "start with an empty map, or let the "
			 "manifest say 'on_change: reset' under maps.upgrade.%s",
			 map->name, loading->load->instance, info.max_entries, loading->title,
			 bpf_map__max_entries(map->map), loading->load->instance, map->name);
}

static int hand_on(struct iov_loading *loading, struct iov_loading_map *map)
{
	const struct iov_engine_load *load = loading->load;
	iov_auto(iov_free_ptr) char *pin = iov_pins_path(load->keep_dir, "maps", map->name);
	iov_auto(iov_close_fd) int fd = -1;
	if (!pin)
		return iov_oom(loading->ctx);
	int rc = iov_pins_open(loading->ctx, pin, &fd);
	if (rc || fd < 0)
		return rc; /* the old release had no such map */
	iov_auto(iov_buf_release) struct iov_buf remedy = {0};
	iov_buf_printf(&remedy,
		       "unload '%s' and load it again to start with an empty map, or let the manifest say 'on_change: "
		       "reset' under maps.upgrade.%s",
		       load->instance, map->name);
	const struct iov_contract contract = {
		.expected = map,
		.reader = loading->title,
		.provider = "the running release",
		.record = load->keep ? iov_object_find_map(load->keep->object, map->name) : NULL,
		.remedy = remedy.data ? remedy.data : "",
	};
	rc = iov_contract_check(loading, &contract, fd);
	if (!rc)
		rc = check_room(loading, map, fd);
	return rc ? give_up(loading, map, rc) : reuse(loading, map, fd);
}

int iov_loading_place_maps(struct iov_loading *loading)
{
	const struct iov_engine_load *load = loading->load;
	for (size_t i = 0; i < load->n_imports; i++) {
		int rc = import(loading, &load->imports[i]);
		if (rc)
			return rc;
	}
	for (size_t i = 0; load->keep_dir && i < loading->n_maps; i++) {
		struct iov_loading_map *map = &loading->maps[i];
		int rc = !map->imported && is_handed_on(map) ? hand_on(loading, map) : IOV_OK;
		if (rc)
			return rc;
	}
	return IOV_OK;
}
