/* Entries of maps to files, and back into empty maps (state/saved.h). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "core/persist.h"
#include "core/place.h"
#include "engine/kernel.h"
#include "engine/pins.h"
#include "engine/saved_convert.h"
#include "state/saved.h"
#include "util/cleanup.h"

#define BATCH_BYTES (1 << 20) /* of entries that are read with one call */
#define BATCH_MIN 16

struct table {
	struct iov_ctx *ctx;
	const char *pin;
	const struct iov_object_map *map; /* as its release describes it */
	struct bpf_map_info info;
	int fd;
	uint32_t cpus;	   /* values of an entry */
	size_t value_room; /* of one of them, as the kernel gives it */
};

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_array(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static void close_table(struct table *table)
{
	iov_close_fd(&table->fd);
}

static int open_table(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, struct table *ret)
{
	uint32_t len = sizeof(ret->info);
	int cpus = libbpf_num_possible_cpus();
	*ret = (struct table){.ctx = ctx, .pin = pin, .map = map, .fd = -1};
	int rc = iov_persist_check(ctx, map);
	if (!rc)
		rc = iov_pins_open(ctx, pin, &ret->fd);
	if (rc)
		return rc;
	if (ret->fd < 0)
		return iov_error(ctx, IOV_E_NOT_FOUND, "nothing is pinned at '%s'", pin);
	if (bpf_map_get_info_by_fd(ret->fd, &ret->info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about the map pinned at '%s'", pin);
	if (cpus < 0)
		return iov_error_errno(ctx, cpus, "cannot count the CPUs");
	bool per_cpu = is_per_cpu(ret->info.type);
	ret->cpus = per_cpu ? (uint32_t)cpus : 1;
	ret->value_room = per_cpu ? (ret->info.value_size + 7u) & ~7u : ret->info.value_size;
	if (ret->info.key_size == map->key_size && ret->info.value_size == map->value_size)
		return IOV_OK;
	return iov_error(ctx, IOV_E_CONTRACT,
			 "the map pinned at '%s' has keys of %u and values of %u bytes, and its release says %u and %u",
			 pin, ret->info.key_size, ret->info.value_size, map->key_size, map->value_size);
}

/* ---- to a file ---- */

struct batch {
	unsigned char *keys, *values, *token;
	uint32_t room, count;
};

static void release_batch(struct batch *batch)
{
	free(batch->keys);
	free(batch->values);
	free(batch->token);
}

static int make_room(const struct table *table, uint32_t room, struct batch *batch)
{
	size_t token = table->info.key_size > sizeof(uint32_t) ? table->info.key_size : sizeof(uint32_t);
	unsigned char *keys = reallocarray(batch->keys, room, table->info.key_size);
	if (keys)
		batch->keys = keys;
	unsigned char *values = reallocarray(batch->values, room, table->cpus * table->value_room);
	if (values)
		batch->values = values;
	if (!batch->token)
		batch->token = calloc(1, token);
	if (!keys || !values || !batch->token)
		return iov_oom(table->ctx);
	batch->room = room;
	return IOV_OK;
}

static uint32_t first_room(const struct table *table)
{
	size_t entry = table->info.key_size + table->cpus * table->value_room;
	size_t room = BATCH_BYTES / entry < BATCH_MIN ? BATCH_MIN : BATCH_BYTES / entry;
	return room > table->info.max_entries ? table->info.max_entries : (uint32_t)room;
}

/* The next entries. A bucket of a hash that holds more than there is room for is asked for again with more. */
static int read_batch(const struct table *table, bool first, struct batch *batch, bool *ret_end)
{
	for (;;) {
		batch->count = batch->room;
		int err = bpf_map_lookup_batch(table->fd, first ? NULL : batch->token, batch->token, batch->keys,
					       batch->values, &batch->count, NULL)
				  ? errno
				  : 0;
		*ret_end = err == ENOENT;
		if (!err || err == ENOENT)
			return IOV_OK;
		if (err == EINTR || err == EAGAIN)
			continue;
		if (err != ENOSPC)
			return iov_error_errno(table->ctx, err, "cannot read map '%s' at '%s'", table->map->name,
					       table->pin);
		int rc = make_room(table, batch->room * 2, batch);
		if (rc)
			return rc;
	}
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
	return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

/* An array is all zeros when it is new; only global variables begin with something else. */
static bool is_left_out(const struct table *table, const unsigned char *values)
{
	return is_array(table->info.type) && table->map->name[0] != '.' &&
	       is_zero(values, table->cpus * table->value_room);
}

static int save_batch(const struct table *table, const struct batch *batch, struct iov_saved_writer *writer)
{
	int rc = IOV_OK;
	for (uint32_t i = 0; !rc && i < batch->count; i++) {
		const unsigned char *values = batch->values + (size_t)i * table->cpus * table->value_room;
		if (is_left_out(table, values))
			continue;
		rc = iov_saved_add(writer, batch->keys + (size_t)i * table->info.key_size, table->info.key_size);
		for (uint32_t cpu = 0; !rc && cpu < table->cpus; cpu++)
			rc = iov_saved_add(writer, values + cpu * table->value_room, table->info.value_size);
		writer->entries++;
	}
	return rc;
}

static int save_entries(const struct table *table, struct iov_saved_writer *writer)
{
	iov_auto(release_batch) struct batch batch = {0};
	bool end = false;
	int rc = make_room(table, first_room(table), &batch);
	for (bool first = true; !rc && !end; first = false) {
		rc = read_batch(table, first, &batch, &end);
		if (!rc)
			rc = save_batch(table, &batch, writer);
	}
	return rc;
}

int iov_kernel_save_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path,
			uint64_t *ret_entries)
{
	iov_auto(close_table) struct table table = {.fd = -1};
	iov_auto(iov_saved_writer_release) struct iov_saved_writer writer = {.fd = -1};
	int rc = open_table(ctx, pin, map, &table);
	if (!rc)
		rc = iov_saved_create(ctx, path, map, table.cpus, &writer);
	if (!rc)
		rc = save_entries(&table, &writer);
	if (!rc)
		rc = iov_saved_finish(&writer);
	if (!rc)
		*ret_entries = writer.entries;
	return rc;
}

/* ---- from a file ---- */

struct filling {
	struct table table;
	struct iov_saved_reader reader;
	struct iov_conversion *conversion;
	unsigned char *key, *value, *values; /* one entry as it becomes: its key, one CPU's value, all of them */
	struct iov_filled filled;
};

static void release_filling(struct filling *filling)
{
	close_table(&filling->table);
	iov_saved_reader_release(&filling->reader);
	iov_conversion_free(filling->conversion);
	free(filling->key);
	free(filling->value);
	free(filling->values);
}

/* Types may change, as from hash to LRU; but an entry has one value, or one for each CPU. */
static int match(struct filling *filling, const json_t *upgrade)
{
	const struct iov_object_map *was = filling->reader.map, *map = filling->table.map;
	const struct iov_conversion_rules rules = {.upgrade = upgrade};
	if (!strstr(was->type, "percpu") != !strstr(map->type, "percpu"))
		return iov_error(filling->table.ctx, IOV_E_CONTRACT,
				 "map '%s' was saved as a '%s', whose values do not fit a '%s'", map->name, was->type,
				 map->type);
	int rc = iov_conversion_make(filling->table.ctx, was, map, &rules, &filling->conversion);
	size_t i;
	json_t *loss;
	json_array_foreach(rc ? NULL : filling->conversion->losses, i, loss) {
		iov_warn(filling->table.ctx, "saved entries of map '%s': %s", map->name, json_string_value(loss));
	}
	return rc;
}

static int begin_filling(struct filling *filling)
{
	const struct table *table = &filling->table;
	filling->key = calloc(1, table->info.key_size);
	filling->value = calloc(1, table->info.value_size);
	filling->values = calloc(table->cpus, table->value_room);
	return filling->key && filling->value && filling->values ? IOV_OK : iov_oom(table->ctx);
}

/* The values of CPUs that this machine does not have go to the first one, number by number. */
static void convert_entry(struct filling *filling, const unsigned char *entry)
{
	const struct table *table = &filling->table;
	const unsigned char *saved = entry + filling->reader.map->key_size;
	iov_saved_convert(&filling->conversion->key, entry, filling->key);
	memset(filling->values, 0, table->cpus * table->value_room);
	for (uint32_t cpu = 0; cpu < filling->reader.cpus; cpu++, saved += filling->reader.map->value_size) {
		iov_saved_convert(&filling->conversion->value, saved, filling->value);
		if (cpu < table->cpus)
			memcpy(filling->values + cpu * table->value_room, filling->value, table->info.value_size);
		else
			iov_layout_add(json_object_get(table->map->layout, "value"), filling->values, filling->value,
				       table->info.value_size);
	}
}

static int fill_entry(struct filling *filling, const unsigned char *entry)
{
	const struct table *table = &filling->table;
	convert_entry(filling, entry);
	if (!bpf_map_update_elem(table->fd, filling->key, filling->values, BPF_ANY)) {
		filling->filled.entries++;
		return IOV_OK;
	}
	if (errno != E2BIG && errno != ENOSPC)
		return iov_error_errno(table->ctx, errno, "cannot fill map '%s' at '%s'", table->map->name, table->pin);
	filling->filled.dropped++;
	return IOV_OK;
}

static int fill_entries(struct filling *filling)
{
	const unsigned char *entry = NULL;
	int rc = iov_saved_next(&filling->reader, &entry);
	while (!rc && entry) {
		rc = fill_entry(filling, entry);
		if (!rc)
			rc = iov_saved_next(&filling->reader, &entry);
	}
	return rc;
}

int iov_kernel_fill_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path,
			const json_t *upgrade, struct iov_filled *ret)
{
	iov_auto(release_filling) struct filling filling = {.table.fd = -1, .reader.fd = -1};
	int rc = open_table(ctx, pin, map, &filling.table);
	if (!rc)
		rc = iov_saved_open(ctx, path, &filling.reader);
	if (!rc)
		rc = match(&filling, upgrade);
	if (!rc)
		rc = begin_filling(&filling);
	if (!rc)
		rc = fill_entries(&filling);
	*ret = filling.filled;
	return rc;
}
