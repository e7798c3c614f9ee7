#include "transaction/steps.h"

#include <inttypes.h>

#include "state/generations.h"
#include "state/journal.h"
#include "core/fault.h"
#include "util/cleanup.h"

static int check_sites(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	for (size_t i = 0; i < change->n_sites; i++) {
		const struct iov_site site = iov_change_site(change, &change->sites[i]);
		if (change->sites[i].change != IOV_LOAD || change->sites[i].optional)
			continue;
		int rc = t->engine->ops->check(t->engine, &site);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

int iov_transaction_check(const struct iov_transaction *t)
{
	if (!iov_transaction_moves_kernel(t))
		return IOV_OK;
	int rc = t->engine->ops->prepare(t->engine);
	for (size_t i = 0; !rc && !t->restoring && i < t->plan->n_instances; i++)
		rc = check_sites(t, &t->plan->instances[i]);
	return rc;
}

/* A record above the current generation was written by a command that a crash ended before it began to act. */
static int drop_orphans(const struct iov_transaction *t)
{
	uint64_t newest = 0;
	int rc = iov_generation_newest_number(t->ctx, &newest);
	while (!rc && newest > t->plan->from->number) {
		rc = iov_generation_remove(t->ctx, newest);
		if (!rc)
			rc = iov_generation_newest_number(t->ctx, &newest);
	}
	return rc;
}

static int record(const struct iov_transaction *t)
{
	if (t->restoring)
		return IOV_OK;
	int rc = drop_orphans(t);
	if (!rc)
		rc = iov_fault(t->ctx, "orphans dropped");
	if (!rc)
		rc = iov_generation_write(t->ctx, t->plan->to);
	return rc ? rc : iov_fault(t->ctx, "generation written");
}

/* A live tree that is not the current generation's holds nothing that runs: nothing was loaded yet, or not since the
 * boot. */
static int make_live(const struct iov_transaction *t)
{
	const struct iov_generation *from = t->plan->from;
	if (iov_tree_holds(t->ctx, IOV_TREE_LIVE, from->number))
		return IOV_OK;
	if (from->n_instances)
		return iov_error(t->ctx, IOV_E_CONFLICT,
				 "the kernel does not hold generation %" PRIu64
				 "; run 'iovpkg status' for what it holds, then try again",
				 from->number);
	int rc = iov_transaction_remove_tree(t, IOV_TREE_LIVE);
	if (!rc)
		rc = iov_fault(t->ctx, "old live removed");
	return rc ? rc : iov_tree_make(t->ctx, IOV_TREE_LIVE, from->number);
}

/* At rest the index names the generation that runs. */
static int seed_index(const struct iov_transaction *t)
{
	uint64_t number = t->restoring ? t->plan->to->number : t->plan->from->number;
	int rc = t->engine->ops->store(t->engine, number);
	return rc ? rc : iov_fault(t->ctx, "index seeded");
}

static int make_trees(const struct iov_transaction *t)
{
	int rc = iov_transaction_remove_tree(t, IOV_TREE_STAGING);
	if (!rc)
		rc = iov_fault(t->ctx, "old staging removed");
	if (!rc)
		rc = make_live(t);
	if (!rc)
		rc = iov_fault(t->ctx, "live made");
	if (!rc)
		rc = seed_index(t);
	if (!rc)
		rc = iov_tree_make(t->ctx, IOV_TREE_STAGING, t->plan->to->number);
	return rc ? rc : iov_fault(t->ctx, "staging made");
}

static int with_dirs(const struct iov_transaction *t, const char *instance, char **ret_live, char **ret_staging)
{
	*ret_live = iov_tree_instance(t->ctx, IOV_TREE_LIVE, instance);
	*ret_staging = iov_tree_instance(t->ctx, IOV_TREE_STAGING, instance);
	return *ret_live && *ret_staging ? IOV_OK : iov_oom(t->ctx);
}

static int adopt(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	iov_auto(iov_free_ptr) char *live = NULL;
	iov_auto(iov_free_ptr) char *staging = NULL;
	if (!iov_tree_has(t->ctx, IOV_TREE_LIVE, change->after->name)) {
		iov_warn(t->ctx,
			 "instance '%s' does not run on this kernel since it was started, and stays down; upgrade or "
			 "unload it",
			 change->after->name);
		return IOV_OK;
	}
	int rc = with_dirs(t, change->after->name, &live, &staging);
	return rc ? rc : t->engine->ops->adopt(t->engine, live, staging);
}

static int load(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	iov_step(t->ctx, "loading", change->after->name);
	int rc = iov_transaction_load(t, change);
	if (rc && t->restoring && iov_transaction_can_do_without(t, rc, true)) {
		iov_warn(t->ctx, "instance '%s' is left out: %s", change->after->name, iov_error_text(t->ctx));
		return IOV_OK;
	}
	if (rc)
		return rc;
	iov_done(t->ctx, "loading", change->after->name);
	rc = iov_fault(t->ctx, "instance loaded");
	if (!rc && !iov_tree_has(t->ctx, IOV_TREE_LIVE, change->after->name))
		rc = iov_transaction_fill(t, change);
	return rc;
}

static int stage(const struct iov_transaction *t, const struct iov_instance_change *change)
{
	static int (*const by_change[])(const struct iov_transaction *t, const struct iov_instance_change *change) = {
		[IOV_KEEP] = adopt,
		[IOV_LOAD] = load,
		[IOV_REPLACE] = load,
		[IOV_UNLOAD] = NULL,
	};
	if (!by_change[change->change])
		return IOV_OK;
	int rc = by_change[change->change](t, change);
	return rc ? rc : iov_fault(t->ctx, "instance staged");
}

/* What stays attached, or changes hands; a site that does not run now is attached anew by the switch. */
static int adopt_site(const struct iov_transaction *t, const struct iov_moving *moving, void *unused)
{
	const struct iov_site *from = moving->has_partner ? &moving->partner : &moving->site;
	iov_auto(iov_free_ptr) char *live = iov_tree_instance(t->ctx, IOV_TREE_LIVE, from->instance);
	iov_auto(iov_free_ptr) char *staging = iov_tree_instance(t->ctx, IOV_TREE_STAGING, moving->site.instance);
	struct iov_running running;
	(void)unused;
	if (!live || !staging)
		return iov_oom(t->ctx);
	if (moving->change == IOV_UNLOAD || (moving->change == IOV_LOAD && !moving->has_partner))
		return IOV_OK;
	int rc = iov_transaction_running(t, from, IOV_TREE_LIVE, &running);
	if (!rc && (running.prog_id || running.link_id))
		rc = t->engine->ops->adopt_site(t->engine, from, live, &moving->site, staging);
	return rc ? rc : iov_fault(t->ctx, "site adopted");
}

/* Entries are copied once more when everything is armed, so that little is left to merge. */
static int arm(const struct iov_transaction *t)
{
	int rc = iov_transaction_copy(t);
	if (!rc)
		rc = iov_fault(t->ctx, "entries copied");
	if (!rc)
		rc = iov_transaction_arm(t);
	return rc ? rc : iov_transaction_copy(t);
}

int iov_transaction_prepare(const struct iov_transaction *t)
{
	int rc = record(t);
	if (rc || !iov_transaction_moves_kernel(t))
		return rc;
	rc = make_trees(t);
	for (size_t i = 0; !rc && i < t->plan->n_instances; i++) {
		rc = iov_stop_asked(t->ctx);
		if (!rc)
			rc = stage(t, &t->plan->instances[i]);
	}
	if (!rc)
		rc = iov_transaction_each_site(t, adopt_site, false, NULL);
	return rc ? rc : arm(t);
}
