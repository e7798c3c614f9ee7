#include "engine/migrating.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/pins.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SLOTS_MAX (256ull << 20) /* bytes */
#define SPARSE_SLOTS 65536u

/* Of each type: what its base is made of, and how its entries are met. */
static const struct {
	const char *type;
	enum bpf_map_type base;
	bool is_array, is_percpu, has_no_walk;
} types[] = {
	{"hash", BPF_MAP_TYPE_HASH, false, false, false},
	{"lru_hash", BPF_MAP_TYPE_HASH, false, false, false},
	{"lpm_trie", BPF_MAP_TYPE_HASH, false, false, true},
	{"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, false, true, false},
	{"lru_percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, false, true, false},
	{"array", BPF_MAP_TYPE_ARRAY, true, false, false},
	{"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, true, true, false},
};

static size_t type_of(const struct iov_object_map *map)
{
	size_t i = 0;
	while (strcmp(types[i].type, map->type) != 0)
		i++;
	return i;
}

static char *base_path(const char *dir, const char *map, const char *part)
{
	iov_auto(iov_free_ptr) char *pin = iov_pin_name(map);
	char *path = NULL;
	return !pin || asprintf(&path, "%s/base/%s%s", dir, pin, part) < 0 ? NULL : path;
}

/* ---- preparing ---- */

static bool has_slots(const struct iov_object_map *from)
{
	size_t type = type_of(from);
	return types[type].base == BPF_MAP_TYPE_HASH && !types[type].has_no_walk;
}

static int make_base(struct iov_ctx *ctx, const struct iov_object_map *from, int old)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	size_t type = type_of(from);
	if (bpf_map_get_info_by_fd(old, &info, &len))
		return -iov_error_errno(ctx, errno, "cannot ask the kernel about map '%s'", from->name);
	/* It may hold entries that the old map has lost already, and some that only the new one has. Behind slots there
	 * is room for that; memory that is there before it is needed is twice as fast. */
	bool sparse = info.map_flags & BPF_F_NO_PREALLOC || !has_slots(from);
	uint64_t room = !sparse || types[type].is_array ? info.max_entries : 4ull * info.max_entries;
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = sparse && !types[type].is_array ? BPF_F_NO_PREALLOC : 0);
	int fd = bpf_map_create(types[type].base, "iov_base", info.key_size, info.value_size,
				room > UINT32_MAX ? UINT32_MAX : (uint32_t)room, &options);
	return fd < 0 ? -iov_error_errno(ctx, errno, "cannot make the map that remembers what was copied of '%s'",
					 from->name)
		      : fd;
}

/* Twice as many as there can be entries, so that few find theirs taken; but a map that takes its memory when it needs
 * it may be far larger than what is in it. */
static unsigned slot_bits(const struct bpf_map_info *info, uint32_t size)
{
	uint64_t wanted = 2ull * info->max_entries, most = SLOTS_MAX / size;
	unsigned bits = 1;
	if (info->map_flags & BPF_F_NO_PREALLOC && most > SPARSE_SLOTS)
		most = SPARSE_SLOTS;
	while (1ull << bits < wanted && 2ull << bits <= most)
		bits++;
	return bits;
}

static int make_slots(struct iov_ctx *ctx, const struct iov_object_map *from, int old)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_map_get_info_by_fd(old, &info, &len))
		return -iov_error_errno(ctx, errno, "cannot ask the kernel about map '%s'", from->name);
	uint32_t size = iov_pass_slot_size(info.key_size, info.value_size);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iov_slots", sizeof(uint32_t), size, 1u << slot_bits(&info, size),
				NULL);
	return fd < 0 ? -iov_error_errno(ctx, errno, "cannot make the map that remembers what was copied of '%s'",
					 from->name)
		      : fd;
}

/* What the number of bits is, the map tells. */
static int read_slot_bits(struct iov_ctx *ctx, struct iov_pass_maps *maps)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (maps->slots < 0)
		return IOV_OK;
	if (bpf_map_get_info_by_fd(maps->slots, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about a map of slots");
	maps->slot_bits = (unsigned)__builtin_ctz(info.max_entries);
	return IOV_OK;
}

static int make_record(struct iov_ctx *ctx, const struct iov_conversion *conversion)
{
	uint32_t size = iov_pass_record_size(conversion), key = 0;
	iov_auto(iov_free_ptr) char *first = calloc(1, size);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	if (!first)
		return -iov_oom(ctx);
	iov_pass_record_init(conversion, first);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iov_record", sizeof(key), size, 1, &options);
	if (fd >= 0 && !bpf_map_update_elem(fd, &key, first, BPF_ANY))
		return fd;
	int err = errno;
	iov_close_fd(&fd);
	return -iov_error_errno(ctx, err, "cannot make the map that counts what is copied");
}

static int pin_part(struct iov_ctx *ctx, const char *dir, const char *map, const char *part, int fd)
{
	iov_auto(iov_free_ptr) char *path = base_path(dir, map, part);
	if (!path)
		return iov_oom(ctx);
	return bpf_obj_pin(fd, path) ? iov_error_errno(ctx, errno, "cannot pin '%s'", path) : IOV_OK;
}

static int make_folder(struct iov_ctx *ctx, const char *dir, const char *map)
{
	iov_auto(iov_free_ptr) char *path = base_path(dir, map, "");
	int rc = path ? iov_fs_mkdirs(path, 0700) : -ENOMEM;
	return rc ? iov_error_errno(ctx, rc, "cannot make the folder of pins '%s'", path ? path : dir) : IOV_OK;
}

int iov_migrating_make(struct iov_ctx *ctx, const struct iov_object_map *from, const struct iov_conversion *conversion,
		       struct iov_pass_maps *maps)
{
	maps->base = make_base(ctx, from, maps->old);
	if (maps->base < 0)
		return -maps->base;
	maps->record = make_record(ctx, conversion);
	if (maps->record < 0)
		return -maps->record;
	maps->slots = has_slots(from) ? make_slots(ctx, from, maps->old) : -1;
	return has_slots(from) && maps->slots < 0 ? -maps->slots : read_slot_bits(ctx, maps);
}

int iov_migrating_prepare(struct iov_ctx *ctx, const char *dir, const struct iov_upgrade *upgrade,
			  const struct iov_object_map *from, const struct iov_object_map *to, int old)
{
	iov_auto(iov_conversion_release) struct iov_conversion *conversion = NULL;
	int rc = make_folder(ctx, dir, to->name);
	if (rc || !iov_upgrade_moves_entries(to->type))
		return rc;
	rc = iov_upgrade_conversion(ctx, upgrade->old, upgrade->new, from, to, &conversion);
	if (rc)
		return rc;
	iov_auto(iov_pass_maps_close) struct iov_pass_maps maps = {
		.old = fcntl(old, F_DUPFD_CLOEXEC, 0), .new = -1, .base = -1, .record = -1, .slots = -1, .keys = -1};
	rc = iov_migrating_make(ctx, from, conversion, &maps);
	if (!rc)
		rc = pin_part(ctx, dir, to->name, "/entries", maps.base);
	if (!rc && maps.slots >= 0)
		rc = pin_part(ctx, dir, to->name, "/slots", maps.slots);
	return rc ? rc : pin_part(ctx, dir, to->name, "/record", maps.record);
}

/* ---- opening ---- */

void iov_pass_maps_close(struct iov_pass_maps *maps)
{
	const int fds[] = {maps->old, maps->new, maps->base, maps->record, maps->slots, maps->keys};
	for (size_t i = 0; i < IOV_COUNT(fds); i++)
		iov_close_fd(&(int){fds[i]});
}

static void release_migrating(struct iov_migrating *migrating)
{
	if (migrating->record)
		munmap(migrating->record, migrating->record_size);
	iov_pass_maps_close(&migrating->maps);
	iov_conversion_free(migrating->conversion);
}

static int open_pin(struct iov_migrating *migrating, char *path, int *ret)
{
	iov_auto(iov_free_ptr) char *owned = path;
	int rc = owned ? iov_pins_open(migrating->ctx, owned, ret) : iov_oom(migrating->ctx);
	if (!rc && *ret < 0)
		return iov_error(migrating->ctx, IOV_E_NOT_FOUND,
				 "map '%s' of '%s' is in migration, but '%s' is not pinned; run 'iovpkg status'",
				 migrating->to->name, migrating->migration->instance, owned);
	return rc;
}

static int map_record(struct iov_migrating *migrating)
{
	migrating->record_size = iov_pass_record_size(migrating->conversion);
	void *memory =
		mmap(NULL, migrating->record_size, PROT_READ | PROT_WRITE, MAP_SHARED, migrating->maps.record, 0);
	if (memory == MAP_FAILED)
		return iov_error_errno(migrating->ctx, errno, "cannot map the counters of map '%s'",
				       migrating->to->name);
	migrating->record = memory;
	return IOV_OK;
}

static int open_maps(struct iov_migrating *migrating)
{
	const char *name = migrating->to->name;
	const struct iov_migration *migration = migrating->migration;
	int rc = open_pin(migrating, iov_pins_path(migration->old_dir, "maps", name), &migrating->maps.old);
	if (!rc)
		rc = open_pin(migrating, iov_pins_path(migration->new_dir, "maps", name), &migrating->maps.new);
	if (rc || !iov_upgrade_moves_entries(migrating->to->type))
		return rc;
	rc = open_pin(migrating, base_path(migration->new_dir, name, "/entries"), &migrating->maps.base);
	if (!rc)
		rc = open_pin(migrating, base_path(migration->new_dir, name, "/record"), &migrating->maps.record);
	if (!rc && has_slots(migrating->from))
		rc = open_pin(migrating, base_path(migration->new_dir, name, "/slots"), &migrating->maps.slots);
	if (!rc)
		rc = read_slot_bits(migrating->ctx, &migrating->maps);
	if (!rc)
		rc = iov_upgrade_conversion(migrating->ctx, migration->old, migration->new, migrating->from,
					    migrating->to, &migrating->conversion);
	return rc ? rc : map_record(migrating);
}

static int act_on(struct iov_migrating *migrating,
		  int (*act)(struct iov_migrating *migrating, struct iov_migrated *sum), struct iov_migrated *sum)
{
	if (iov_upgrade_moves_entries(migrating->to->type)) {
		size_t type = type_of(migrating->from);
		migrating->maps.is_array = types[type].is_array;
		migrating->maps.is_percpu = types[type].is_percpu;
		migrating->is_listed = types[type].has_no_walk;
		migrating->maps.cpus = (unsigned)libbpf_num_possible_cpus();
	}
	int rc = open_maps(migrating);
	if (!rc && migrating->conversion)
		migrating->maps.sleepless = migrating->conversion->value.has_kernel || migrating->is_listed;
	return rc ? rc : act(migrating, sum);
}

/* ---- programs ---- */

static const char *const program_pins[] = {
	[IOV_PASS_COPY] = "/copy", [IOV_PASS_MERGE] = "/merge", [IOV_PASS_MERGE_BACK] = "/merge-back"};

static int prepare_program(struct iov_migrating *migrating, enum iov_pass_kind kind)
{
	const char *dir = migrating->migration->new_dir, *map = migrating->to->name;
	iov_auto(iov_free_ptr) char *path = base_path(dir, map, program_pins[kind]);
	iov_auto(iov_close_fd) int program = -1;
	if (!path)
		return iov_oom(migrating->ctx);
	if (iov_fs_exists(path))
		return IOV_OK;
	int rc = iov_pass_load(migrating->ctx, migrating->conversion, &migrating->maps, kind, false, &program);
	return rc ? rc : pin_part(migrating->ctx, dir, map, program_pins[kind], program);
}

int iov_migrating_prepare_programs(struct iov_migrating *migrating)
{
	int rc = IOV_OK;
	for (size_t kind = 0; !rc && !migrating->is_listed && kind < IOV_COUNT(program_pins); kind++)
		rc = prepare_program(migrating, (enum iov_pass_kind)kind);
	return rc;
}

int iov_migrating_program(struct iov_migrating *migrating, enum iov_pass_kind kind, bool first, int *ret)
{
	if (!first && !migrating->is_listed) {
		const struct iov_migration *migration = migrating->migration;
		iov_auto(iov_free_ptr) char *path =
			base_path(migration->new_dir, migrating->to->name, program_pins[kind]);
		int rc = path ? iov_pins_open(migrating->ctx, path, ret) : iov_oom(migrating->ctx);
		if (rc || *ret >= 0)
			return rc;
	}
	return iov_pass_load(migrating->ctx, migrating->conversion, &migrating->maps, kind, first, ret);
}

int iov_migrating_each(struct iov_ctx *ctx, const struct iov_migration *migration,
		       int (*act)(struct iov_migrating *migrating, struct iov_migrated *sum), struct iov_migrated *sum)
{
	const struct iov_object *object = migration->new->object;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < object->n_maps; i++) {
		iov_auto(iov_free_ptr) char *base = base_path(migration->new_dir, object->maps[i].name, "");
		iov_auto(release_migrating) struct iov_migrating migrating = {
			.ctx = ctx,
			.migration = migration,
			.from = iov_object_find_map(migration->old->object, object->maps[i].name),
			.to = &object->maps[i],
			.maps = {.old = -1, .new = -1, .base = -1, .record = -1, .slots = -1, .keys = -1}};
		if (!base)
			return iov_oom(ctx);
		if (migrating.from && iov_fs_exists(base))
			rc = act_on(&migrating, act, sum);
	}
	return rc;
}
