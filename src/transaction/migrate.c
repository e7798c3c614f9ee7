#include "transaction/steps.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define PASSES_MAX 8	 /* of copying; where that is not enough, entries change as fast as they are copied */
#define FEW_ENTRIES 256u /* a merge takes them up in less than a millisecond */

/* The loader leaves a folder of bases next to new maps that are to be filled from old ones. NULL: none for sure, or no
 * memory. */
static char *base_of(const struct iov_transaction *t, enum iov_tree tree, const struct iov_instance_change *change)
{
	iov_auto(iov_free_ptr) char *dir = NULL;
	char *base = NULL;
	if (change->change != IOV_REPLACE)
		return NULL;
	dir = iov_tree_instance(t->ctx, tree, change->after->name);
	return dir && asprintf(&base, "%s/base", dir) > 0 ? base : NULL;
}

static bool is_migrating(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	iov_auto(iov_free_ptr) char *base = base_of(t, IOV_TREE_STAGING, change);
	return base && iov_fs_exists(base);
}

bool iov_transaction_migrates(const struct iov_transaction *t)
{
	for (size_t i = 0; i < t->plan->n_instances; i++)
		if (is_migrating(t, &t->plan->instances[i]))
			return true;
	return false;
}

/* The trees are not exchanged yet: the old maps are in live. */
static int each_migration(const struct iov_transaction *t,
			  int (*act)(const struct iov_transaction *t, const struct iov_migration *migration,
				     struct iov_migrated *sum),
			  struct iov_migrated *sum)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < t->plan->n_instances; i++) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		if (!is_migrating(t, change))
			continue;
		iov_auto(iov_free_ptr) char *old_dir = iov_tree_instance(t->ctx, IOV_TREE_LIVE, change->after->name);
		iov_auto(iov_free_ptr) char *new_dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, change->after->name);
		if (!old_dir || !new_dir)
			return iov_oom(t->ctx);
		const struct iov_migration migration = {.instance = change->after->name,
							.old_dir = old_dir,
							.new_dir = new_dir,
							.old = change->old->release,
							.new = change->new->release,
							.back = t->plan->back,
							.lossy = t->plan->lossy};
		rc = act(t, &migration, sum);
	}
	return rc;
}

static void add(struct iov_migrated *sum, const struct iov_migrated *one)
{
	sum->entries += one->entries;
	sum->changed += one->changed;
	sum->dropped += one->dropped;
	sum->window_ns = one->window_ns > sum->window_ns ? one->window_ns : sum->window_ns;
}

static int copy(const struct iov_transaction *t, const struct iov_migration *migration, struct iov_migrated *sum)
{
	struct iov_migrated one = {0};
	int rc = t->engine->ops->copy(t->engine, migration, &one);
	add(sum, &one);
	return rc;
}

static int merge(const struct iov_transaction *t, const struct iov_migration *migration, struct iov_migrated *sum)
{
	struct iov_migrated one = {0};
	int rc = t->engine->ops->merge(t->engine, migration, false, &one);
	add(sum, &one);
	return rc;
}

static int merge_back(const struct iov_transaction *t, const struct iov_migration *migration, struct iov_migrated *sum)
{
	struct iov_migrated one = {0};
	int rc = t->engine->ops->merge(t->engine, migration, true, &one);
	add(sum, &one);
	return rc;
}

/* Every pass takes up what changed during the one before. That shrinks as long as copying is faster than writing. */
int iov_transaction_copy(const struct iov_transaction *t)
{
	struct iov_migrated sum = {0};
	uint64_t before = UINT64_MAX;
	int rc = IOV_OK;
	if (!iov_transaction_migrates(t))
		return IOV_OK;
	for (unsigned i = 0; !rc && i < PASSES_MAX; i++) {
		sum = (struct iov_migrated){0};
		rc = each_migration(t, copy, &sum);
		if (sum.changed <= FEW_ENTRIES || sum.changed > before / 2)
			break;
		before = sum.changed;
	}
	return rc;
}

/* What was measured is told when the entries are where they belong. */
int iov_transaction_merge(const struct iov_transaction *t, bool back)
{
	struct iov_migrated sum = {0};
	int rc = each_migration(t, back ? merge_back : merge, &sum);
	if (rc || !sum.entries || (back && !sum.changed))
		return rc;
	iov_note(t->ctx,
		 "%" PRIu64 " entries moved %s; %" PRIu64 " of them changed late and were merged, and for %" PRIu64
		 ".%03u ms a late write could not be seen",
		 sum.entries, back ? "back" : "to their new layout", sum.changed, sum.window_ns / 1000000,
		 (unsigned)(sum.window_ns / 1000 % 1000));
	if (sum.dropped)
		iov_warn(t->ctx, "%" PRIu64 " late entries found no room, and are lost", sum.dropped);
	return IOV_OK;
}

int iov_transaction_end_migration(const struct iov_transaction *t)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < t->plan->n_instances; i++) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		iov_auto(iov_free_ptr) char *base = base_of(t, IOV_TREE_LIVE, change);
		if (base && iov_fs_exists(base))
			rc = t->engine->ops->remove_tree(t->engine, base);
	}
	return rc;
}
