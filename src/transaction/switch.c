#include "transaction/steps.h"

#include "core/fault.h"
#include "util/cleanup.h"

static int attach(const struct iov_transaction *t, const struct iov_moving *moving)
{
	int rc = iov_transaction_on_site(t, t->engine->ops->attach, &moving->site, IOV_TREE_STAGING);
	return iov_transaction_not_attached(t, moving, rc);
}

/* The old one goes at once, so that events are seen twice for a moment only. */
static int attach_beside(const struct iov_transaction *t, const struct iov_moving *moving)
{
	int rc = attach(t, moving);
	if (!rc)
		rc = iov_fault(t->ctx, "attached beside");
	return rc ? rc : iov_transaction_on_site(t, t->engine->ops->detach, &moving->site, IOV_TREE_LIVE);
}

static int replace(const struct iov_transaction *t, const struct iov_moving *moving)
{
	struct iov_running running;
	if (moving->move == IOV_MOVE_TWICE)
		return attach_beside(t, moving);
	int rc = iov_transaction_running(t, &moving->site, IOV_TREE_STAGING, &running);
	if (rc)
		return rc;
	return running.prog_id || running.link_id
		       ? iov_transaction_on_site(t, t->engine->ops->swap, &moving->site, IOV_TREE_STAGING)
		       : attach(t, moving);
}

static int move_alone(const struct iov_transaction *t, const struct iov_moving *moving, void *unused)
{
	(void)unused;
	if (moving->change == IOV_UNLOAD)
		return IOV_OK;
	bool takes_over = moving->change == IOV_REPLACE || moving->has_partner;
	int rc = takes_over ? replace(t, moving) : attach(t, moving);
	return rc ? rc : iov_fault(t->ctx, "site switched");
}

static int move_beside_store(const struct iov_transaction *t, const struct iov_moving *moving, void *unused)
{
	return moving->move == IOV_MOVE_STORE ? IOV_OK : move_alone(t, moving, unused);
}

/* Late writes of the old programs, when the last of them has ended. */
static int reconcile(const struct iov_transaction *t)
{
	if (!iov_transaction_migrates(t))
		return IOV_OK;
	int rc = t->engine->ops->grace(t->engine);
	if (!rc)
		rc = iov_transaction_merge(t, false);
	return rc ? rc : iov_fault(t->ctx, "entries merged");
}

/* The store is the moment at which events meet the new programs. Hooks that it does not move follow at once. */
int iov_transaction_switch(const struct iov_transaction *t)
{
	bool stores = iov_transaction_stores(t);
	if (!iov_transaction_moves_kernel(t))
		return IOV_OK;
	int rc = t->engine->ops->store(t->engine, t->plan->to->number);
	if (!rc)
		rc = iov_fault(t->ctx, "generation stored");
	if (!rc)
		rc = iov_transaction_each_site(t, stores ? move_beside_store : move_alone, false, NULL);
	return rc ? rc : reconcile(t);
}
