/* Index files, level by level, so that a registry is asked once for each level and not once for each module. */
#include <string.h>

#include "ops/choose.h"
#include "util/cleanup.h"

/* Modules by name: those of one level, and those of all levels before. */
struct names {
	json_t *seen;
	const char **items; /* keys of `seen` */
	size_t count;
};

static int names_add(struct iov_ctx *ctx, struct names *names, const char *name)
{
	if (json_object_get(names->seen, name))
		return IOV_OK;
	const char **items = realloc(names->items, (names->count + 1) * sizeof(*items));
	if (!items)
		return iov_oom(ctx);
	names->items = items;
	if (json_object_set_new(names->seen, name, json_true()))
		return iov_oom(ctx);
	items[names->count++] = json_object_iter_key(json_object_iter_at(names->seen, name));
	return IOV_OK;
}

static void names_release(struct names *names)
{
	json_decref(names->seen);
	free(names->items);
}

/* What the newest release needs is what will be asked about next, most of the time. */
static int add_needs(struct iov_ctx *ctx, const struct iov_choose *request, const char *name, struct names *next)
{
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_choose_releases(ctx, request, name, &releases, &count);
	if (rc || !count)
		return rc;
	const struct iov_manifest *manifest = iov_choose_newest(releases, count)->manifest;
	for (size_t i = 0; !rc && i < manifest->n_dependencies; i++)
		rc = names_add(ctx, next, manifest->dependencies[i].name);
	return rc;
}

static int read_levels(struct iov_ctx *ctx, const struct iov_choose *request, struct names *names)
{
	int rc = IOV_OK;
	for (size_t level = 0; !rc && level < names->count;) {
		size_t end = names->count;
		rc = iov_registries_warm(ctx, request->registries, names->items + level, end - level);
		for (; !rc && level < end; level++)
			rc = add_needs(ctx, request, names->items[level], names);
	}
	return rc;
}

static int read_ahead(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_wish *wishes,
		      size_t count)
{
	iov_auto(names_release) struct names names = {.seen = json_object()};
	int rc = names.seen ? IOV_OK : iov_oom(ctx);
	for (size_t i = 0; !rc && i < count; i++)
		rc = names_add(ctx, &names, wishes[i].name);
	for (size_t i = 0; !rc && i < request->locked->n_installed; i++)
		rc = names_add(ctx, &names, request->locked->installed[i].release->manifest->name);
	return rc ? rc : read_levels(ctx, request, &names);
}

void iov_choose_read_ahead(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_wish *wishes,
			   size_t count)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	read_ahead(ctx, request, wishes, count);
	iov_error_restore(ctx, saved);
}
