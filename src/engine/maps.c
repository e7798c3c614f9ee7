/*
 * Which maps an object gets: imported ones from their providers, those that the running release hands on, and new ones,
 * which libbpf makes.
 *
 * A map is handed on when it is what the new release was built for; otherwise its entries move to a new one
 * (core/upgrade.h). .rodata is neither: it holds what the new program was compiled with. Nor is a program array: the
 * old programs still call through it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/loading.h"
#include "engine/migrating.h"
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

/* Not what holds the constants or the programs of its own object. */
static bool is_handed_on(const struct iov_loading_map *map)
{
	enum bpf_map_type type = bpf_map__type(map->map);
	return !iov_object_is_constants(map->name) && type != BPF_MAP_TYPE_PROG_ARRAY &&
	       type != BPF_MAP_TYPE_STRUCT_OPS;
}

/* What libbpf makes of the size of a ring buffer: a power of two, and a page at least. */
static uint32_t ring_size(uint32_t wanted)
{
	uint32_t size = (uint32_t)sysconf(_SC_PAGESIZE);
	while (size < wanted && size < 1u << 31)
		size *= 2;
	return size;
}

/* The kernel rounds the size of some LRU maps up. */
static bool has_room(const struct iov_loading_map *map, const struct bpf_map_info *info)
{
	uint32_t wanted = bpf_map__max_entries(map->map);
	if (!wanted || info->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return true;
	if (info->type == BPF_MAP_TYPE_RINGBUF)
		return info->max_entries == ring_size(wanted);
	if (info->map_flags & BPF_F_NO_COMMON_LRU)
		return info->max_entries >= wanted && info->max_entries - wanted < (uint32_t)libbpf_num_possible_cpus();
	return info->max_entries == wanted;
}

static int read_info(struct iov_loading *loading, const struct iov_loading_map *map, int fd, struct bpf_map_info *ret)
{
	uint32_t len = sizeof(*ret);
	*ret = (struct bpf_map_info){0};
	if (bpf_map_get_info_by_fd(fd, ret, &len))
		return iov_error_errno(loading->ctx, errno, "cannot ask the kernel about map '%s'", map->name);
	return IOV_OK;
}

static void tell_losses(struct iov_loading *loading, const struct iov_loading_map *map, const json_t *losses)
{
	size_t i;
	json_t *loss;
	json_array_foreach(losses, i, loss) {
		iov_note(loading->ctx, "map '%s' of '%s': %s", map->name, loading->load->instance,
			 json_string_value(loss));
	}
}

/* The map cannot go on as it is: its entries move to the new one, or that starts empty. `found` is what is wrong with
 * the live map, whose error stands. */
static int replace(struct iov_loading *loading, struct iov_loading_map *map, const struct bpf_map_info *info, int fd,
		   int found)
{
	const struct iov_engine_load *load = loading->load;
	const struct iov_upgrade upgrade = iov_loading_upgrade(loading);
	iov_auto(iov_map_fate_release) struct iov_map_fate fate = {0};
	struct iov_object_map old = *iov_object_find_map(load->keep->object, map->name);
	struct iov_object_map new = *iov_object_find_map(load->release->object, map->name);
	old.max_entries = info->max_entries;
	new.max_entries = has_room(map, info) ? info->max_entries : bpf_map__max_entries(map->map);
	int rc = iov_upgrade_decide(loading->ctx, &upgrade, &old, &new, &fate);
	if (rc)
		return rc;
	tell_losses(loading, map, fate.losses);
	if (fate.fate == IOV_MAP_KEPT) /* by the releases; but then the live map is not what its release says */
		return found ? found : reuse(loading, map, fd);
	if (fate.fate == IOV_MAP_MIGRATED)
		map->replaces = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	else
		iov_note(loading->ctx, "map '%s' of '%s' starts empty: %s changes it", map->name, load->instance,
			 loading->title);
	return fate.fate == IOV_MAP_MIGRATED && map->replaces < 0 ? iov_oom(loading->ctx) : IOV_OK;
}

static bool is_recorded(const struct iov_loading *loading, const char *map)
{
	const struct iov_release *old = loading->load->keep;
	return old && iov_object_find_map(old->object, map) && iov_object_find_map(loading->load->release->object, map);
}

/* Does the live map serve as it is? IOV_E_CONTRACT: no. */
static int check_kept(struct iov_loading *loading, const struct iov_loading_map *map, int fd)
{
	const struct iov_engine_load *load = loading->load;
	iov_auto(iov_buf_release) struct iov_buf remedy = {0};
	iov_buf_printf(&remedy, "unload '%s' and load it again to start with an empty map", load->instance);
	const struct iov_contract contract = {
		.expected = map,
		.reader = loading->title,
		.provider = "the running release",
		.record = load->keep ? iov_object_find_map(load->keep->object, map->name) : NULL,
		.remedy = remedy.data ? remedy.data : "",
	};
	return iov_contract_check(loading, &contract, fd);
}

static int hand_on(struct iov_loading *loading, struct iov_loading_map *map)
{
	iov_auto(iov_free_ptr) char *pin = iov_pins_path(loading->load->keep_dir, "maps", map->name);
	iov_auto(iov_close_fd) int fd = -1;
	struct bpf_map_info info;
	if (!pin)
		return iov_oom(loading->ctx);
	int rc = iov_pins_open(loading->ctx, pin, &fd);
	if (rc || fd < 0)
		return rc; /* the old release had no such map */
	rc = read_info(loading, map, fd, &info);
	if (!rc)
		rc = check_kept(loading, map, fd);
	if (!rc && !map->set && has_room(map, &info))
		return reuse(loading, map, fd);
	if ((rc && rc != IOV_E_CONTRACT) || !is_recorded(loading, map->name))
		return rc;
	return replace(loading, map, &info, fd, rc);
}

struct iov_upgrade iov_loading_upgrade(const struct iov_loading *loading)
{
	const struct iov_engine_load *load = loading->load;
	return (struct iov_upgrade){.instance = load->instance,
				    .old = load->keep,
				    .new = load->release,
				    .back = load->back,
				    .lossy = load->lossy};
}

/* Behind the pins of the new maps. */
int iov_loading_prepare_migration(struct iov_loading *loading)
{
	const struct iov_upgrade upgrade = iov_loading_upgrade(loading);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < loading->n_maps; i++) {
		const struct iov_loading_map *map = &loading->maps[i];
		if (map->replaces < 0)
			continue;
		rc = iov_migrating_prepare(loading->ctx, loading->load->dir, &upgrade,
					   iov_object_find_map(upgrade.old->object, map->name),
					   iov_object_find_map(upgrade.new->object, map->name), map->replaces);
	}
	return rc;
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
