#include "engine/keys.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static int compare(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

static int add(struct iov_ctx *ctx, struct iov_keys *keys, size_t *cap, const void *key)
{
	if (!keys->data || keys->count == *cap) {
		*cap = *cap ? 2 * *cap : 64;
		char *more = realloc(keys->data, *cap * keys->size);
		if (!more)
			return iov_oom(ctx);
		keys->data = more;
	}
	memcpy(keys->data + keys->count++ * keys->size, key, keys->size);
	return IOV_OK;
}

static void drop_repeated(struct iov_keys *keys)
{
	size_t kept = 0;
	for (size_t i = 0; i < keys->count; i++) {
		const char *one = keys->data + i * keys->size;
		if (!kept || memcmp(keys->data + (kept - 1) * keys->size, one, keys->size) != 0)
			memmove(keys->data + kept++ * keys->size, one, keys->size);
	}
	keys->count = kept;
}

/* A map that changes meanwhile may give a key twice, or begin anew: more than twice its room is not asked for. */
int iov_keys_list(struct iov_ctx *ctx, int map, struct iov_keys *ret)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	size_t cap = 0;
	if (bpf_map_get_info_by_fd(map, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about a map");
	iov_auto(iov_keys_release) struct iov_keys keys = {.size = info.key_size};
	iov_auto(iov_free_ptr) char *key = calloc(1, info.key_size);
	int rc = key ? IOV_OK : iov_oom(ctx);
	const char *before = NULL;
	for (uint64_t i = 0; !rc && key && i < 2ull * info.max_entries; i++, before = key) {
		if (bpf_map_get_next_key(map, before, key))
			break;
		rc = add(ctx, &keys, &cap, key);
	}
	if (rc)
		return rc;
	if (keys.count)
		qsort_r(keys.data, keys.count, keys.size, compare, &keys.size);
	drop_repeated(&keys);
	*ret = keys;
	keys.data = NULL;
	return IOV_OK;
}

void iov_keys_release(struct iov_keys *keys)
{
	free(keys->data);
}

static bool has(const struct iov_keys *keys, const char *key)
{
	size_t low = 0, high = keys->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(key, keys->data + middle * keys->size, keys->size);
		if (!order)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

void iov_keys_subtract(struct iov_keys *keys, const struct iov_keys *others)
{
	size_t kept = 0;
	for (size_t i = 0; i < keys->count; i++) {
		const char *one = keys->data + i * keys->size;
		if (!has(others, one))
			memmove(keys->data + kept++ * keys->size, one, keys->size);
	}
	keys->count = kept;
}

int iov_keys_map(struct iov_ctx *ctx, const struct iov_keys *keys, int *ret)
{
	iov_auto(iov_close_fd) int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iov_keys", sizeof(uint32_t),
						       (uint32_t)keys->size, (uint32_t)keys->count, NULL);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot make a map of %zu keys", keys->count);
	for (uint32_t i = 0; i < keys->count; i++)
		if (bpf_map_update_elem(fd, &i, keys->data + i * keys->size, BPF_ANY))
			return iov_error_errno(ctx, errno, "cannot write a map of keys");
	*ret = iov_take_fd(&fd);
	return IOV_OK;
}
