#include "state/generations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* Store keys that kept generations name; a key may be there several times. */
struct keys {
	char **items;
	size_t count, room;
};

static void keys_release(struct keys *keys)
{
	iov_fs_names_free(keys->items, keys->count);
}

static int add_key(struct iov_ctx *ctx, struct keys *keys, const char *key)
{
	if (keys->count == keys->room) {
		size_t room = keys->room * 2 + 16;
		char **items = realloc(keys->items, room * sizeof(*items));
		if (!items)
			return iov_oom(ctx);
		keys->items = items;
		keys->room = room;
	}
	keys->items[keys->count] = strdup(key);
	return keys->items[keys->count++] ? IOV_OK : iov_oom(ctx);
}

static int add_keys(struct iov_ctx *ctx, const struct iov_record_row *row, void *data)
{
	int rc = add_key(ctx, data, row->sha256);
	return rc || !*row->object ? rc : add_key(ctx, data, row->object);
}

static int add_keys_of(struct iov_ctx *ctx, uint64_t number, struct keys *keys)
{
	iov_auto(iov_free_ptr) char *path =
		iov_path(ctx, IOV_STATE "/generations/%llu/lock.json", (unsigned long long)number);
	iov_auto(iov_json_release) json_t *json = NULL;
	if (!path)
		return iov_oom(ctx);
	int rc = iov_json_read(ctx, path, IOV_RECORD_MAX, &json);
	return rc ? rc : iov_record_rows(ctx, path, json, add_keys, keys);
}

static bool is_old(const uint64_t *numbers, size_t count, size_t i, uint64_t current)
{
	return i + IOV_GENERATIONS_KEPT < count && numbers[i] != current;
}

/* Newest first, and no further than until every entry of the store is named: as a rule the first is enough. What cannot
 * be read must not decide what is removed: any failure ends the collection before the store is touched. */
static int collect_store(struct iov_ctx *ctx, const uint64_t *numbers, size_t count, uint64_t current)
{
	iov_auto(keys_release) struct keys keys = {0};
	for (size_t i = count; i-- > 0;) {
		if (!iov_store_has_others(ctx, (const char *const *)keys.items, keys.count))
			return IOV_OK;
		int rc = is_old(numbers, count, i, current) ? IOV_OK : add_keys_of(ctx, numbers[i], &keys);
		if (rc)
			return rc;
	}
	return iov_store_collect(ctx, (const char *const *)keys.items, keys.count);
}

int iov_generation_collect(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	uint64_t current = 0;
	int rc = iov_generation_current_number(ctx, &current);
	if (!rc)
		rc = iov_generation_numbers(ctx, &numbers, &count);
	for (size_t i = 0; !rc && i < count; i++)
		if (is_old(numbers, count, i, current))
			rc = iov_generation_remove(ctx, numbers[i]);
	return rc ? rc : collect_store(ctx, numbers, count, current);
}
