#include "transaction/steps.h"

#include "transaction/fault.h"
#include "util/cleanup.h"

int iov_transaction_on_site(const struct iov_transaction *t,
			    int (*act)(struct iov_engine *engine, const struct iov_site *site, const char *dir),
			    const struct iov_site *site, enum iov_tree tree)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, tree, site->instance);
	return dir ? act(t->engine, site, dir) : iov_oom(t->ctx);
}

int iov_transaction_site_program(const struct iov_transaction *t, const struct iov_site *site, enum iov_tree tree,
				 uint32_t *ret)
{
	struct iov_running running = {0};
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, tree, site->instance);
	int rc = dir ? t->engine->ops->running(t->engine, site, dir, &running) : iov_oom(t->ctx);
	if (!rc || rc == IOV_E_UNSUPPORTED) /* an optional site that this kernel has no hook for */
		*ret = running.prog_id;
	return rc == IOV_E_UNSUPPORTED ? IOV_OK : rc;
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

static int attach(const struct iov_transaction *t, const struct iov_site *site, bool optional)
{
	int rc = iov_transaction_on_site(t, t->engine->ops->attach, site, IOV_TREE_STAGING);
	if (!rc || !iov_transaction_can_do_without(t, rc, optional))
		return rc;
	iov_warn(t->ctx, "program '%s' of '%s' is not attached: %s", site->program, site->instance,
		 iov_error_text(t->ctx));
	return IOV_OK;
}

static int switch_site(const struct iov_transaction *t, const struct iov_instance_change *change,
		       const struct iov_site_change *what)
{
	const struct iov_site site = iov_change_site(change, what);
	uint32_t running = 0;
	int rc = IOV_OK;
	if (what->change == IOV_UNLOAD || what->change == IOV_KEEP)
		return IOV_OK;
	if (what->change == IOV_REPLACE)
		rc = iov_transaction_site_program(t, &site, IOV_TREE_STAGING, &running);
	if (rc)
		return rc;
	rc = running ? iov_transaction_on_site(t, t->engine->ops->swap, &site, IOV_TREE_STAGING)
		     : attach(t, &site, what->optional);
	return rc ? rc : iov_fault(t->ctx, "site switched");
}

int iov_transaction_switch(const struct iov_transaction *t)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < t->plan->n_instances; i++) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		if (!change->after || change->change == IOV_KEEP ||
		    !iov_tree_has(t->ctx, IOV_TREE_STAGING, change->after->name))
			continue;
		for (size_t s = 0; !rc && s < change->n_sites; s++)
			rc = switch_site(t, change, &change->sites[s]);
	}
	return rc;
}
