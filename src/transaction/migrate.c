#include "transaction/steps.h"

#include <stdio.h>

#include "util/cleanup.h"
#include "util/fs.h"

/* The loader leaves a folder of bases next to new maps that are to be filled from old ones. */
static bool is_migrating(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	iov_auto(iov_free_ptr) char *dir = NULL;
	iov_auto(iov_free_ptr) char *base = NULL;
	if (change->change != IOV_REPLACE)
		return false;
	dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, change->after->name);
	return dir && asprintf(&base, "%s/base", dir) > 0 && iov_fs_exists(base);
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
			  int (*act)(const struct iov_transaction *t, const struct iov_migration *migration, bool back),
			  bool back)
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
							.back = t->plan->back};
		rc = act(t, &migration, back);
	}
	return rc;
}

static int copy(const struct iov_transaction *t, const struct iov_migration *migration, bool back)
{
	struct iov_migrated migrated = {0};
	(void)back;
	return t->engine->ops->copy(t->engine, migration, &migrated);
}

static int merge(const struct iov_transaction *t, const struct iov_migration *migration, bool back)
{
	struct iov_migrated migrated = {0};
	return t->engine->ops->merge(t->engine, migration, back, &migrated);
}

int iov_transaction_copy(const struct iov_transaction *t)
{
	return each_migration(t, copy, false);
}

int iov_transaction_merge(const struct iov_transaction *t, bool back)
{
	return each_migration(t, merge, back);
}
