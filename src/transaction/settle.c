#include "transaction/steps.h"

#include "state/generations.h"
#include "state/journal.h"
#include "state/saved.h"
#include "core/fault.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>

/* Only a staging tree of the new generation takes the place of live: then it was not exchanged yet, nor lost with its
 * bpffs. */
static int exchange(const struct iov_transaction *t)
{
	if (!iov_tree_holds(t->ctx, IOV_TREE_STAGING, t->plan->to->number))
		return IOV_OK;
	iov_auto(iov_free_ptr) char *live = iov_tree_path(t->ctx, IOV_TREE_LIVE);
	iov_auto(iov_free_ptr) char *staging = iov_tree_path(t->ctx, IOV_TREE_STAGING);
	if (!live || !staging)
		return iov_oom(t->ctx);
	if (iov_tree_exists(t->ctx, IOV_TREE_LIVE))
		return t->engine->ops->exchange(t->engine, staging, live);
	if (rename(staging, live))
		return iov_error_errno(t->ctx, errno, "cannot rename the pin tree '%s' to '%s'", staging, live);
	return IOV_OK;
}

int iov_transaction_commit(const struct iov_transaction *t)
{
	int rc = t->restoring ? exchange(t) : iov_generation_commit(t->ctx, t->plan->to->number);
	return rc ? rc : iov_fault(t->ctx, "committed");
}

int iov_transaction_committed(const struct iov_transaction *t, bool *ret)
{
	uint64_t current = t->plan->to->number;
	int rc = t->restoring ? IOV_OK : iov_generation_current_number(t->ctx, &current);
	if (!rc)
		*ret = t->restoring ? iov_tree_holds(t->ctx, IOV_TREE_LIVE, current) : current == t->plan->to->number;
	return rc;
}

/* Entries that were there for the store only make way for the programs themselves. */
static int disarm(const struct iov_transaction *t, const struct iov_moving *moving, void *data)
{
	struct iov_running running;
	bool *had_entry = data;
	if (moving->change == IOV_UNLOAD)
		return IOV_OK;
	int rc = iov_transaction_running(t, &moving->site, IOV_TREE_LIVE, &running);
	if (rc || !running.armed)
		return rc;
	*had_entry |= moving->change == IOV_REPLACE || moving->has_partner;
	rc = iov_transaction_on_site(t, t->engine->ops->swap, &moving->site, IOV_TREE_LIVE);
	if (rc == IOV_E_NOT_FOUND) /* its interface has gone */
		rc = IOV_OK;
	return rc ? rc : iov_fault(t->ctx, "site disarmed");
}

/* The old tree stands at `staging` now. Importers first, so that no program writes to a map whose provider has ended.
 */
static int detach_gone(const struct iov_transaction *t, const struct iov_moving *moving, void *unused)
{
	(void)unused;
	if (moving->change != IOV_UNLOAD)
		return IOV_OK;
	int rc = iov_transaction_end_site(t, moving);
	return rc ? rc : iov_fault(t->ctx, "site detached");
}

/* A host on which nothing runs has no index. */
static int forget_index(const struct iov_transaction *t)
{
	return t->plan->to->n_instances ? IOV_OK : t->engine->ops->forget(t->engine);
}

static int settle_kernel(const struct iov_transaction *t)
{
	bool had_entries = false;
	int rc = exchange(t);
	if (!rc)
		rc = iov_fault(t->ctx, "trees exchanged");
	if (!rc)
		rc = iov_transaction_end_migration(t);
	if (!rc)
		rc = iov_transaction_each_site(t, disarm, true, &had_entries);
	if (!rc && had_entries)
		rc = t->engine->ops->grace(
			t->engine); /* events that met an entry look into its slots, which this tree pins */
	if (!rc)
		rc = iov_transaction_each_site(t, detach_gone, true, NULL);
	if (!rc)
		rc = iov_transaction_remove_tree(t, IOV_TREE_STAGING);
	if (!rc)
		rc = forget_index(t);
	return rc ? rc : iov_fault(t->ctx, "old tree removed");
}

int iov_transaction_finish(const struct iov_transaction *t)
{
	int rc = iov_transaction_moves_kernel(t) ? settle_kernel(t) : IOV_OK;
	if (!rc)
		rc = iov_saved_collect(t->ctx, t->plan->to);
	if (!rc)
		rc = iov_journal_end(t->ctx);
	if (!rc)
		rc = iov_fault(t->ctx, "journal ended");
	return rc ? rc : iov_generation_collect(t->ctx);
}
