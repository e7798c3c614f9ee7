/* Before the store: every hook of the set that it can move gets an entry with both programs. Nothing changes for
 * events.
 */
#include "transaction/steps.h"

#include <stdio.h>

#include "core/fault.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* Whose link the entry is put in: the site's own, or that of the one whose place it takes. */
static const struct iov_site *old_site(const struct iov_moving *moving)
{
	if (moving->has_partner)
		return &moving->partner;
	return moving->change == IOV_LOAD ? NULL : &moving->site;
}

static int arm_site(const struct iov_transaction *t, const struct iov_moving *moving, void *carry)
{
	const struct iov_site *old = old_site(moving);
	iov_auto(iov_free_ptr) char *live =
		iov_tree_instance(t->ctx, IOV_TREE_LIVE, (old ? old : &moving->site)->instance);
	iov_auto(iov_free_ptr) char *staging = iov_tree_instance(t->ctx, IOV_TREE_STAGING, moving->site.instance);
	struct iov_running running = {0};
	if (!live || !staging)
		return iov_oom(t->ctx);
	if (moving->move != IOV_MOVE_STORE || (moving->change == IOV_UNLOAD && moving->has_partner))
		return IOV_OK;
	int rc = old ? iov_transaction_running(t, old, IOV_TREE_LIVE, &running) : IOV_OK;
	const struct iov_arm arm = {.old = old,
				    .old_dir = running.link_id ? live : NULL,
				    .new_dir = moving->change == IOV_UNLOAD ? NULL : staging,
				    .generation = t->plan->to->number,
				    .carry = *(const bool *)carry};
	if (rc || (!arm.old_dir && !arm.new_dir))
		return rc;
	rc = iov_transaction_not_attached(t, moving, t->engine->ops->arm(t->engine, &moving->site, &arm));
	return rc ? rc : iov_fault(t->ctx, "site armed");
}

/* ---- may packets carry the generation? ---- */

static int note_carry(const struct iov_transaction *t, const struct iov_moving *moving, void *data)
{
	(void)t;
	((bool *)data)[moving->carry] |= moving->move == IOV_MOVE_STORE;
	return IOV_OK;
}

/* The loader marks instances whose programs look at metadata themselves, and would take ours for theirs. */
static bool is_marked(const struct iov_transaction *t, enum iov_tree tree, const char *instance)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, tree, instance);
	iov_auto(iov_free_ptr) char *mark = NULL;
	return !dir || asprintf(&mark, "%s/metadata", dir) < 0 || iov_fs_exists(mark);
}

/* Only where packets of this set pass both XDP and traffic control. */
static int may_carry(const struct iov_transaction *t, bool *ret)
{
	bool has[] = {[IOV_CARRY_NONE] = false, [IOV_CARRY_GIVE] = false, [IOV_CARRY_TAKE] = false};
	int rc = iov_transaction_each_site(t, note_carry, false, has);
	bool may = has[IOV_CARRY_GIVE] && has[IOV_CARRY_TAKE];
	for (size_t i = 0; may && i < t->plan->n_instances; i++) {
		const char *instance = iov_change_instance(&t->plan->instances[i]);
		may = !is_marked(t, IOV_TREE_LIVE, instance) && !is_marked(t, IOV_TREE_STAGING, instance);
	}
	if (!rc)
		*ret = may;
	return rc;
}

int iov_transaction_arm(const struct iov_transaction *t)
{
	bool carry = false;
	if (!iov_transaction_stores(t))
		return IOV_OK;
	int rc = may_carry(t, &carry);
	return rc ? rc : iov_transaction_each_site(t, arm_site, false, &carry);
}
