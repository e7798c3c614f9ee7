#include "transaction/steps.h"

#include "state/generations.h"
#include "state/journal.h"
#include "transaction/fault.h"
#include "util/cleanup.h"

void iov_failures_note(struct iov_ctx *ctx, struct iov_failures *failures, int rc)
{
	if (!rc || failures->rc)
		return;
	failures->rc = rc;
	failures->first = iov_error_save(ctx);
}

int iov_failures_end(struct iov_ctx *ctx, struct iov_failures *failures)
{
	return failures->rc ? iov_error_restore(ctx, failures->first) : IOV_OK;
}

int iov_transaction_remove_tree(const struct iov_transaction *t, enum iov_tree tree)
{
	iov_auto(iov_free_ptr) char *path = iov_tree_path(t->ctx, tree);
	if (!path)
		return iov_oom(t->ctx);
	return iov_tree_exists(t->ctx, tree) ? t->engine->ops->remove_tree(t->engine, path) : IOV_OK;
}

/* A filter without a link is found by its mark, which another site of the instance may have taken over: then it runs a
 * program of the other tree. */
static int is_ours(const struct iov_transaction *t, const struct iov_site *site, bool *ret)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, site->instance);
	uint32_t running = 0, pinned = 0;
	int rc = dir ? iov_transaction_site_program(t, site, IOV_TREE_STAGING, &running) : iov_oom(t->ctx);
	if (!rc && running)
		rc = t->engine->ops->program_id(t->engine, dir, site->program, &pinned);
	if (!rc)
		*ret = running == pinned;
	return rc;
}

int iov_transaction_detach(const struct iov_transaction *t, const struct iov_site *site)
{
	bool ours = false;
	int rc = is_ours(t, site, &ours);
	if (!rc && ours)
		rc = iov_transaction_on_site(t, t->engine->ops->detach, site, IOV_TREE_STAGING);
	return rc == IOV_E_NOT_FOUND || rc == IOV_E_UNSUPPORTED ? IOV_OK : rc;
}

/* The kernel says which program runs, the live tree which one should: no memory of what was done is needed, or trusted.
 */
static int restore_old(const struct iov_transaction *t, const struct iov_site *site)
{
	iov_auto(iov_free_ptr) char *live = iov_tree_instance(t->ctx, IOV_TREE_LIVE, site->instance);
	uint32_t running = 0, wanted = 0;
	int rc = live ? t->engine->ops->program_id(t->engine, live, site->program, &wanted) : iov_oom(t->ctx);
	if (!rc)
		rc = iov_transaction_site_program(t, site, IOV_TREE_LIVE, &running);
	if (rc || running == wanted)
		return rc;
	rc = running ? t->engine->ops->swap(t->engine, site, live) : iov_transaction_detach(t, site);
	return rc == IOV_E_NOT_FOUND ? IOV_OK : rc;
}

static int undo_site(const struct iov_transaction *t, const struct iov_instance_change *change,
		     const struct iov_site_change *what)
{
	static int (*const by_change[])(const struct iov_transaction *t, const struct iov_site *site) = {
		[IOV_KEEP] = restore_old,
		[IOV_LOAD] = iov_transaction_detach,
		[IOV_REPLACE] = restore_old,
		[IOV_UNLOAD] = restore_old,
	};
	const struct iov_site site = iov_change_site(change, what);
	int rc = by_change[what->change](t, &site);
	return rc ? rc : iov_fault(t->ctx, "site undone");
}

static int undo_sites(const struct iov_transaction *t)
{
	struct iov_failures failures = {0};
	for (size_t i = t->plan->n_instances; i-- > 0;) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		for (size_t s = change->change == IOV_KEEP ? 0 : change->n_sites; s-- > 0;)
			iov_failures_note(t->ctx, &failures, undo_site(t, change, &change->sites[s]));
	}
	return iov_failures_end(t->ctx, &failures);
}

static int undo_kernel(const struct iov_transaction *t)
{
	int rc = undo_sites(t);
	if (!rc)
		rc = iov_transaction_remove_tree(t, IOV_TREE_STAGING);
	return rc ? rc : iov_fault(t->ctx, "staging removed");
}

/* Staging and the record of the new generation go only after every site is back: they are what a second try needs. */
int iov_transaction_undo(const struct iov_transaction *t)
{
	int rc = iov_transaction_moves_kernel(t) ? undo_kernel(t) : IOV_OK;
	if (!rc && !t->restoring)
		rc = iov_generation_remove(t->ctx, t->plan->to->number);
	if (!rc)
		rc = iov_fault(t->ctx, "generation removed");
	return rc ? rc : iov_journal_end(t->ctx);
}
