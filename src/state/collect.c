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

/* The generations of this host, ascending, and how many of them are to stay beside the current one. */
struct kept {
	uint64_t *numbers;
	size_t count, keep;
	uint64_t current;
};

static void kept_release(struct kept *kept)
{
	free(kept->numbers);
}

static int read_kept(struct iov_ctx *ctx, size_t keep, struct kept *ret)
{
	*ret = (struct kept){.keep = keep};
	int rc = iov_generation_current_number(ctx, &ret->current);
	return rc ? rc : iov_generation_numbers(ctx, &ret->numbers, &ret->count);
}

static bool is_old(const struct kept *kept, size_t i)
{
	return i + kept->keep < kept->count && kept->numbers[i] != kept->current;
}

struct entries {
	iov_each_garbage each;
	void *data;
};

static int entry_garbage(struct iov_ctx *ctx, const char *name, void *data)
{
	const struct entries *entries = data;
	return entries->each(ctx, &(struct iov_garbage){.entry = name}, entries->data);
}

/* Newest first, and no further than until every entry of the store is named: as a rule the first is enough. What cannot
 * be read must not decide what is removed: any failure ends the collection before the store is touched. */
static int store_garbage(struct iov_ctx *ctx, const struct kept *kept, struct entries *entries)
{
	iov_auto(keys_release) struct keys keys = {0};
	for (size_t i = kept->count; i-- > 0;) {
		if (!iov_store_has_others(ctx, (const char *const *)keys.items, keys.count))
			return IOV_OK;
		int rc = is_old(kept, i) ? IOV_OK : add_keys_of(ctx, kept->numbers[i], &keys);
		if (rc)
			return rc;
	}
	return iov_store_each_other(ctx, (const char *const *)keys.items, keys.count, entry_garbage, entries);
}

int iov_generation_garbage(struct iov_ctx *ctx, size_t keep, iov_each_garbage each, void *data)
{
	iov_auto(kept_release) struct kept kept = {0};
	struct entries entries = {.each = each, .data = data};
	int rc = read_kept(ctx, keep, &kept);
	for (size_t i = 0; !rc && i < kept.count; i++)
		if (is_old(&kept, i))
			rc = each(ctx, &(struct iov_garbage){.generation = kept.numbers[i]}, data);
	return rc ? rc : store_garbage(ctx, &kept, &entries);
}

int iov_garbage_remove(struct iov_ctx *ctx, const struct iov_garbage *garbage)
{
	return garbage->entry ? iov_store_remove(ctx, garbage->entry) : iov_generation_remove(ctx, garbage->generation);
}

static int remove_one(struct iov_ctx *ctx, const struct iov_garbage *garbage, void *data)
{
	(void)data;
	return iov_garbage_remove(ctx, garbage);
}

int iov_generation_collect(struct iov_ctx *ctx)
{
	return iov_generation_garbage(ctx, IOV_GENERATIONS_KEPT, remove_one, NULL);
}
