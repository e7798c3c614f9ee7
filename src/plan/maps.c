#include "plan/maps.h"

#include <stdlib.h>

#include "plan/contracts.h"

/* The map with the size that it has in this instance. */
static struct iov_object_map sized(const struct iov_installed *installed, const struct iov_instance *instance,
				   const struct iov_object_map *map)
{
	struct iov_object_map sized = *map;
	sized.max_entries = (uint32_t)iov_plan_map_entries(installed->release->manifest, instance, map);
	return sized;
}

static bool is_own(const struct iov_installed *installed, const char *map)
{
	return !iov_manifest_import(installed->release->manifest, map);
}

static int add_map(struct iov_ctx *ctx, const struct iov_plan *plan, struct iov_instance_change *change,
		   const struct iov_object_map *new)
{
	const struct iov_object_map *old = iov_object_find_map(change->old->release->object, new->name);
	struct iov_map_change *one = &change->maps[change->n_maps];
	const struct iov_upgrade upgrade = {.instance = change->after->name,
					    .old = change->old->release,
					    .new = change->new->release,
					    .back = plan->back,
					    .lossy = plan->lossy};
	if (!old || !is_own(change->old, new->name) || !is_own(change->new, new->name) || !iov_upgrade_hands_on(new))
		return IOV_OK;
	const struct iov_object_map before = sized(change->old, change->before, old),
				    after = sized(change->new, change->after, new);
	int rc = iov_upgrade_decide(ctx, &upgrade, &before, &after, &one->fate);
	if (rc)
		return rc;
	one->map = new->name;
	change->n_maps++;
	return IOV_OK;
}

int iov_plan_maps(struct iov_ctx *ctx, const struct iov_plan *plan, struct iov_instance_change *change)
{
	int rc = IOV_OK;
	if (change->change != IOV_REPLACE)
		return IOV_OK;
	const struct iov_object *object = change->new->release->object;
	change->maps = calloc(object->n_maps + 1, sizeof(*change->maps));
	if (!change->maps)
		return iov_oom(ctx);
	for (size_t i = 0; !rc && i < object->n_maps; i++)
		rc = add_map(ctx, plan, change, &object->maps[i]);
	return rc;
}
