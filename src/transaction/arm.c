/* Before the store: every hook of the set that it can move gets an entry with both programs. Nothing changes for
 * events.
 */
#include "transaction/steps.h"

#include "transaction/fault.h"
#include "util/cleanup.h"

static int runs_in(const struct iov_transaction *t, const struct iov_moving *moving, enum iov_tree tree, bool *ret)
{
	struct iov_running running;
	int rc = iov_transaction_running(t, &moving->site, tree, &running);
	if (!rc)
		*ret = running.link_id != 0;
	return rc;
}

static int arm_site(const struct iov_transaction *t, const struct iov_moving *moving)
{
	iov_auto(iov_free_ptr) char *live = iov_tree_instance(t->ctx, IOV_TREE_LIVE, moving->site.instance);
	iov_auto(iov_free_ptr) char *staging = iov_tree_instance(t->ctx, IOV_TREE_STAGING, moving->site.instance);
	bool runs = false;
	if (!live || !staging)
		return iov_oom(t->ctx);
	if (moving->move != IOV_MOVE_STORE)
		return IOV_OK;
	int rc = moving->change == IOV_LOAD ? IOV_OK : runs_in(t, moving, IOV_TREE_LIVE, &runs);
	const struct iov_arm arm = {.old_dir = runs ? live : NULL,
				    .new_dir = moving->change == IOV_UNLOAD ? NULL : staging,
				    .generation = t->plan->to->number,
				    .carry = false};
	if (rc || (!arm.old_dir && !arm.new_dir))
		return rc;
	rc = iov_transaction_not_attached(t, moving, t->engine->ops->arm(t->engine, &moving->site, &arm));
	return rc ? rc : iov_fault(t->ctx, "site armed");
}

int iov_transaction_arm(const struct iov_transaction *t)
{
	return iov_transaction_stores(t) ? iov_transaction_each_site(t, arm_site, false) : IOV_OK;
}
