#include "transaction/steps.h"

#include <string.h>

#include "util/cleanup.h"

int iov_transaction_on_site(const struct iov_transaction *t,
			    int (*act)(struct iov_engine *engine, const struct iov_site *site, const char *dir),
			    const struct iov_site *site, enum iov_tree tree)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, tree, site->instance);
	return dir ? act(t->engine, site, dir) : iov_oom(t->ctx);
}

int iov_transaction_running(const struct iov_transaction *t, const struct iov_site *site, enum iov_tree tree,
			    struct iov_running *ret)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, tree, site->instance);
	memset(ret, 0, sizeof(*ret));
	int rc = dir ? t->engine->ops->running(t->engine, site, dir, ret) : iov_oom(t->ctx);
	return rc == IOV_E_UNSUPPORTED ? IOV_OK : rc; /* an optional site that this kernel has no hook for */
}

static bool is_partner(const struct iov_transaction *t, const struct iov_moving *moving, const struct iov_site *site,
		       enum iov_change change)
{
	bool comes_and_goes = (moving->change == IOV_LOAD && change == IOV_UNLOAD) ||
			      (moving->change == IOV_UNLOAD && change == IOV_LOAD);
	return comes_and_goes && t->engine->ops->same_place(t->engine, &moving->site, site);
}

static void find_partner(const struct iov_transaction *t, struct iov_moving *moving)
{
	for (size_t i = 0; i < t->plan->n_instances; i++) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		for (size_t s = 0; s < change->n_sites && !moving->has_partner; s++) {
			moving->partner = iov_change_site(change, &change->sites[s]);
			moving->has_partner = is_partner(t, moving, &moving->partner, change->sites[s].change);
		}
	}
}

static int describe(const struct iov_transaction *t, const struct iov_instance_change *change,
		    const struct iov_site_change *what, struct iov_moving *ret)
{
	*ret = (struct iov_moving){.site = iov_change_site(change, what),
				   .change = what->change,
				   .move = IOV_MOVE_REPLACE,
				   .optional = what->optional};
	int rc = t->engine->ops->move(t->engine, &ret->site, &ret->move, &ret->carry);
	find_partner(t, ret);
	/* Programs that differ in what the section says (xdp, xdp.frags) cannot stand behind one entry. */
	if (ret->has_partner && strcmp(ret->site.section, ret->partner.section) != 0)
		ret->move = IOV_MOVE_REPLACE;
	return rc == IOV_E_UNSUPPORTED ? IOV_OK : rc;
}

/* A restore may have left an instance out. */
static bool is_there(const struct iov_transaction *t, const struct iov_instance_change *change, bool backwards)
{
	return backwards || !change->after || iov_tree_has(t->ctx, IOV_TREE_STAGING, change->after->name);
}

static int each(const struct iov_transaction *t, const struct iov_instance_change *change, iov_moving_fn act,
		bool backwards, void *data)
{
	struct iov_failures failures = {0};
	struct iov_moving moving;
	for (size_t i = 0; i < change->n_sites && (backwards || !failures.rc); i++) {
		size_t at = backwards ? change->n_sites - 1 - i : i;
		if (change->sites[at].change == IOV_KEEP)
			continue;
		int rc = describe(t, change, &change->sites[at], &moving);
		iov_failures_note(t->ctx, &failures, rc ? rc : act(t, &moving, data));
	}
	return iov_failures_end(t->ctx, &failures);
}

int iov_transaction_each_site(const struct iov_transaction *t, iov_moving_fn act, bool backwards, void *data)
{
	struct iov_failures failures = {0};
	size_t count = t->plan->n_instances;
	for (size_t i = 0; i < count && (backwards || !failures.rc); i++) {
		const struct iov_instance_change *change = &t->plan->instances[backwards ? count - 1 - i : i];
		if (change->change != IOV_KEEP && is_there(t, change, backwards))
			iov_failures_note(t->ctx, &failures, each(t, change, act, backwards, data));
	}
	return iov_failures_end(t->ctx, &failures);
}

static size_t count_changed(const struct iov_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->n_instances; i++)
		for (size_t s = 0; s < plan->instances[i].n_sites; s++)
			count += plan->instances[i].sites[s].change != IOV_KEEP;
	return count;
}

bool iov_transaction_stores(const struct iov_transaction *t)
{
	return !t->restoring &&
	       (count_changed(t->plan) > 1 || iov_transaction_migrates(t) || iov_transaction_has_health(t));
}

/* Facts about this kernel; everything else (memory, privileges, a bug) may be gone at the next try. */
bool iov_transaction_can_do_without(const struct iov_transaction *t, int code, bool optional)
{
	static const enum iov_code missing[] = {IOV_E_UNSUPPORTED, IOV_E_NOT_FOUND};
	static const enum iov_code refused[] = {IOV_E_REJECTED, IOV_E_CONTRACT, IOV_E_CONFLICT, IOV_E_INPUT,
						IOV_E_BUSY};
	for (size_t i = 0; (optional || t->restoring) && i < IOV_COUNT(missing); i++)
		if (missing[i] == (enum iov_code)code)
			return true;
	for (size_t i = 0; t->restoring && i < IOV_COUNT(refused); i++)
		if (refused[i] == (enum iov_code)code)
			return true;
	return false;
}

int iov_transaction_not_attached(const struct iov_transaction *t, const struct iov_moving *moving, int rc)
{
	if (!rc || !iov_transaction_can_do_without(t, rc, moving->optional))
		return rc;
	iov_warn(t->ctx, "program '%s' of '%s' is not attached: %s", moving->site.program, moving->site.instance,
		 iov_error_text(t->ctx));
	return IOV_OK;
}
