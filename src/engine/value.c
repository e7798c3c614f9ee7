/* One number in a live map, for health checks. The layout is the release's, which was compared with the map's types
 * when its programs were loaded. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "core/place.h"
#include "engine/kernel.h"
#include "engine/pins.h"
#include "util/cleanup.h"

struct reading {
	struct iov_ctx *ctx;
	const struct iov_engine_value *what;
	int fd;
	struct bpf_map_info info;
	size_t value_size; /* of one CPU's value, as user space gets it */
	size_t n_values;
};

static int cannot_read(const struct reading *reading, int err)
{
	return iov_error_errno(reading->ctx, err, "cannot read map '%s' at '%s'", reading->what->map->name,
			       reading->what->pin);
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int open_map(struct reading *reading)
{
	uint32_t len = sizeof(reading->info);
	int cpus = libbpf_num_possible_cpus();
	int rc = iov_pins_open(reading->ctx, reading->what->pin, &reading->fd);
	if (rc)
		return rc;
	if (reading->fd < 0)
		return iov_error(reading->ctx, IOV_E_NOT_FOUND, "nothing is pinned at '%s'", reading->what->pin);
	if (bpf_map_get_info_by_fd(reading->fd, &reading->info, &len))
		return cannot_read(reading, errno);
	bool per_cpu = is_per_cpu(reading->info.type);
	if (per_cpu && cpus < 0)
		return cannot_read(reading, cpus);
	reading->n_values = per_cpu ? (size_t)cpus : 1;
	reading->value_size = per_cpu ? (reading->info.value_size + 7u) & ~7u : reading->info.value_size;
	return IOV_OK;
}

/* Entries are counted by their keys; a map that changes meanwhile has about as many. */
static int count_entries(const struct reading *reading, uint64_t *ret)
{
	iov_auto(iov_free_ptr) void *key = calloc(1, reading->info.key_size);
	uint64_t count = 0;
	if (!key)
		return iov_oom(reading->ctx);
	while (count < reading->info.max_entries) {
		if (bpf_map_get_next_key(reading->fd, count ? key : NULL, key)) {
			if (errno != ENOENT)
				return cannot_read(reading, errno);
			break;
		}
		count++;
	}
	*ret = count;
	return IOV_OK;
}

static int add_up(const struct reading *reading, const unsigned char *values, uint64_t *ret)
{
	struct iov_layout_place place;
	uint64_t sum = 0;
	int rc = iov_place_find(reading->ctx, json_object_get(reading->what->map->layout, "value"),
				reading->what->field, &place);
	for (size_t i = 0; !rc && i < reading->n_values; i++) {
		uint64_t one = 0;
		rc = iov_place_read(reading->ctx, &place, values + i * reading->value_size, reading->value_size, &one);
		sum += one;
	}
	if (!rc)
		*ret = sum;
	return rc;
}

static int make_key(const struct reading *reading, unsigned char **ret)
{
	const struct iov_engine_value *what = reading->what;
	*ret = calloc(1, reading->info.key_size);
	if (!*ret)
		return iov_oom(reading->ctx);
	return what->key ? iov_place_make_key(reading->ctx, json_object_get(what->map->layout, "key"), what->key, *ret,
					      reading->info.key_size)
			 : IOV_OK;
}

static int read_entry(const struct reading *reading, bool *ret_present, uint64_t *ret)
{
	iov_auto(iov_free_ptr) unsigned char *key = NULL;
	int rc = make_key(reading, &key);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) unsigned char *values = calloc(reading->n_values, reading->value_size);
	if (!values)
		return iov_oom(reading->ctx);
	bool absent = bpf_map_lookup_elem(reading->fd, key, values) != 0;
	if (absent && errno != ENOENT)
		return cannot_read(reading, errno);
	*ret_present = !absent;
	*ret = 0;
	return absent ? IOV_OK : add_up(reading, values, ret);
}

int iov_kernel_read_value(struct iov_ctx *ctx, const struct iov_engine_value *what, bool *ret_present, uint64_t *ret)
{
	struct reading reading = {.ctx = ctx, .what = what, .fd = -1};
	int rc = open_map(&reading);
	iov_auto(iov_close_fd) int fd = reading.fd;
	bool counted = !what->key && what->map->name[0] != '.';
	if (rc || !counted)
		return rc ? rc : read_entry(&reading, ret_present, ret);
	*ret_present = true;
	return count_entries(&reading, ret);
}
