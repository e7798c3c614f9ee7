#include "ops/moves.h"

#include <string.h>

#include "hooks/hook.h"

static const char *const words[] = {
	[IOV_MOVE_STORE] = "store",
	[IOV_MOVE_REPLACE] = "replace",
	[IOV_MOVE_TWICE] = "twice",
};

static bool is_word(const json_t *object, const char *key, const char *word)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && !strcmp(text, word);
}

static size_t count_changes(const json_t *hooks)
{
	size_t i, count = 0;
	json_t *hook;
	json_array_foreach(hooks, i, hook)
		count += !is_word(hook, "change", "keep");
	return count;
}

static bool any_migrates(const json_t *maps)
{
	size_t i;
	json_t *map;
	json_array_foreach(maps, i, map)
		if (is_word(map, "change", "migrate"))
			return true;
	return false;
}

/* One hook alone needs no store, unless there has to be a way back that is as quick (transaction/sites.c). */
static bool stores(const json_t *instances)
{
	size_t i, changes = 0;
	json_t *instance;
	bool watched = false;
	json_array_foreach(instances, i, instance) {
		changes += count_changes(json_object_get(instance, "hooks"));
		watched |= json_array_size(json_object_get(instance, "health")) > 0 ||
			   any_migrates(json_object_get(instance, "maps"));
	}
	return changes > 1 || watched;
}

static int tell_one(struct iov_ctx *ctx, json_t *hook, bool stores)
{
	const struct iov_hook *found = NULL;
	struct iov_saved_error saved = iov_error_save(ctx);
	int rc = iov_hook_find(ctx, json_string_value(json_object_get(hook, "section")), &found);
	iov_error_restore(ctx, saved);
	if (rc || is_word(hook, "change", "keep"))
		return IOV_OK;
	enum iov_move move = found->style->move;
	if (move == IOV_MOVE_STORE && !stores)
		move = IOV_MOVE_REPLACE;
	if (move != IOV_MOVE_STORE && !is_word(hook, "change", "replace"))
		return IOV_OK; /* nothing runs there before, or after */
	return json_object_set_new(hook, "moves", json_string(words[move])) ? iov_oom(ctx) : IOV_OK;
}

int iov_moves_tell(struct iov_ctx *ctx, json_t *document)
{
	const json_t *instances = json_object_get(document, "instances");
	bool store = stores(instances);
	size_t i, k;
	int rc = IOV_OK;
	json_t *instance, *hook;
	json_array_foreach(instances, i, instance)
		json_array_foreach(json_object_get(instance, "hooks"), k, hook)
			rc = rc ? rc : tell_one(ctx, hook, store);
	return rc;
}
