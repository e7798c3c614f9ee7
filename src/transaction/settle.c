#include "transaction/steps.h"

#include "state/generations.h"
#include "state/journal.h"
#include "transaction/fault.h"
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

/* The old tree stands at `staging` now. Importers first, so that no program writes to a map whose provider has ended.
 */
static int detach_gone(const struct iov_transaction *t)
{
	struct iov_failures failures = {0};
	for (size_t i = t->plan->n_instances; i-- > 0;) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		for (size_t s = change->n_sites; s-- > 0;) {
			const struct iov_site site = iov_change_site(change, &change->sites[s]);
			if (change->sites[s].change != IOV_UNLOAD)
				continue;
			iov_failures_note(t->ctx, &failures, iov_transaction_detach(t, &site));
			iov_failures_note(t->ctx, &failures, iov_fault(t->ctx, "site detached"));
		}
	}
	return iov_failures_end(t->ctx, &failures);
}

static int settle_kernel(const struct iov_transaction *t)
{
	int rc = exchange(t);
	if (!rc)
		rc = iov_fault(t->ctx, "trees exchanged");
	if (!rc)
		rc = detach_gone(t);
	if (!rc)
		rc = iov_transaction_remove_tree(t, IOV_TREE_STAGING);
	return rc ? rc : iov_fault(t->ctx, "old tree removed");
}

int iov_transaction_finish(const struct iov_transaction *t)
{
	int rc = iov_transaction_moves_kernel(t) ? settle_kernel(t) : IOV_OK;
	if (!rc)
		rc = iov_journal_end(t->ctx);
	if (!rc)
		rc = iov_fault(t->ctx, "journal ended");
	return rc ? rc : iov_generation_collect(t->ctx);
}
