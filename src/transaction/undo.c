#include "transaction/steps.h"

#include "state/generations.h"
#include "state/journal.h"
#include "core/fault.h"
#include "transaction/own.h"
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
	return iov_own_remove_tree(t->engine, tree);
}

/* A filter without a link is found by its mark, which another site of the instance may have taken over: then it runs a
 * program of the other tree. */
static int is_ours(const struct iov_transaction *t, const struct iov_site *site, bool *ret)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, site->instance);
	struct iov_running running = {0};
	uint32_t pinned = 0;
	int rc = dir ? iov_transaction_running(t, site, IOV_TREE_STAGING, &running) : iov_oom(t->ctx);
	if (!rc && running.prog_id && !running.armed)
		rc = t->engine->ops->program_id(t->engine, dir, site->program, &pinned);
	if (!rc)
		*ret = running.armed || running.prog_id == pinned;
	return rc;
}

/* Does the partner, in the live tree, hold the link of this site? Then it stays, and only this tree's pins go. */
static int has_changed_hands(const struct iov_transaction *t, const struct iov_moving *moving, bool *ret)
{
	struct iov_running mine = {0}, theirs = {0};
	*ret = false;
	if (!moving->has_partner)
		return IOV_OK;
	int rc = iov_transaction_running(t, &moving->site, IOV_TREE_STAGING, &mine);
	if (!rc)
		rc = iov_transaction_running(t, &moving->partner, IOV_TREE_LIVE, &theirs);
	if (!rc)
		*ret = mine.link_id && mine.link_id == theirs.link_id;
	return rc;
}

int iov_transaction_end_site(const struct iov_transaction *t, const struct iov_moving *moving)
{
	bool changed_hands = false;
	int rc = has_changed_hands(t, moving, &changed_hands);
	return rc || changed_hands ? rc : iov_transaction_detach(t, &moving->site);
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
static int restore_old(const struct iov_transaction *t, const struct iov_site *site, bool *had_entry)
{
	iov_auto(iov_free_ptr) char *live = iov_tree_instance(t->ctx, IOV_TREE_LIVE, site->instance);
	struct iov_running running;
	uint32_t wanted = 0;
	int rc = live ? t->engine->ops->program_id(t->engine, live, site->program, &wanted) : iov_oom(t->ctx);
	if (!rc)
		rc = iov_transaction_running(t, site, IOV_TREE_LIVE, &running);
	if (rc || (running.prog_id == wanted && !running.armed))
		return rc;
	*had_entry |= running.armed;
	rc = running.prog_id || running.armed ? t->engine->ops->swap(t->engine, site, live)
					      : iov_transaction_detach(t, site);
	return rc == IOV_E_NOT_FOUND ? IOV_OK : rc;
}

/* Old and new have links of their own; the old one may be gone already. */
static int restore_beside(const struct iov_transaction *t, const struct iov_site *site)
{
	int rc = iov_transaction_on_site(t, t->engine->ops->swap, site, IOV_TREE_LIVE);
	return rc && rc != IOV_E_NOT_FOUND ? rc : iov_transaction_detach(t, site);
}

static int undo_site(const struct iov_transaction *t, const struct iov_moving *moving, void *had_entry)
{
	int rc = moving->change == IOV_LOAD	  ? iov_transaction_end_site(t, moving)
		 : moving->move == IOV_MOVE_TWICE ? restore_beside(t, &moving->site)
						  : restore_old(t, &moving->site, had_entry);
	return rc ? rc : iov_fault(t->ctx, "site undone");
}

/* The store goes back first: it is one step, and the old programs are still behind it. */
static int store_back(const struct iov_transaction *t)
{
	uint64_t stored = 0;
	int rc = t->restoring ? IOV_OK : t->engine->ops->stored(t->engine, &stored);
	if (rc || stored != t->plan->to->number)
		return rc;
	rc = t->engine->ops->store(t->engine, t->plan->from->number);
	return rc ? rc : iov_fault(t->ctx, "generation stored back");
}

/* What the new programs wrote in the meantime. Where they never ran this finds nothing. */
static int merge_back(const struct iov_transaction *t)
{
	if (!iov_transaction_migrates(t))
		return IOV_OK;
	int rc = t->engine->ops->grace(t->engine);
	if (!rc)
		rc = iov_transaction_merge(t, true);
	return rc ? rc : iov_fault(t->ctx, "entries merged back");
}

static int undo_kernel(const struct iov_transaction *t)
{
	bool had_entries = false;
	int rc = store_back(t);
	if (!rc)
		rc = iov_transaction_each_site(t, undo_site, true, &had_entries);
	if (!rc && had_entries)
		rc = t->engine->ops->grace(t->engine); /* as in settle.c */
	if (!rc)
		rc = merge_back(t);
	if (!rc)
		rc = iov_transaction_remove_tree(t, IOV_TREE_STAGING);
	if (!rc && !t->plan->from->n_instances)
		rc = t->engine->ops->forget(t->engine);
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
