#include "plan/make.h"

#include <stdlib.h>
#include <string.h>

#include "plan/contracts.h"
#include "plan/maps.h"
#include "plan/order.h"
#include "plan/sites.h"
#include "util/cleanup.h"

/* ---- releases ---- */

static bool same_release(const struct iov_installed *a, const struct iov_installed *b)
{
	return !strcmp(a->release->sha256, b->release->sha256) && !strcmp(a->object, b->object);
}

/* Both arrays are sorted by name, so one walk pairs them. */
static int diff_releases(struct iov_ctx *ctx, struct iov_plan *plan)
{
	const struct iov_generation *from = plan->from, *to = plan->to;
	plan->releases = calloc(from->n_installed + to->n_installed + 1, sizeof(*plan->releases));
	if (!plan->releases)
		return iov_oom(ctx);
	for (size_t i = 0, k = 0; i < from->n_installed || k < to->n_installed;) {
		const struct iov_installed *old = i < from->n_installed ? &from->installed[i] : NULL;
		const struct iov_installed *new = k < to->n_installed ? &to->installed[k] : NULL;
		int order = !old ? 1 : !new ? -1 : strcmp(old->release->manifest->name, new->release->manifest->name);
		struct iov_release_change change = {.old = order <= 0 ? old : NULL, .new = order >= 0 ? new : NULL};
		i += change.old != NULL;
		k += change.new != NULL;
		if (!change.old || !change.new || !same_release(change.old, change.new))
			plan->releases[plan->n_releases++] = change;
	}
	return IOV_OK;
}

/* ---- instances ---- */

/* Providers stand before their importers in the plan. */
static bool is_replaced(const struct iov_plan *plan, const char *instance)
{
	for (size_t i = 0; i < plan->n_instances; i++) {
		const struct iov_instance *one = plan->instances[i].after;
		if (one && !strcmp(one->name, instance))
			return plan->instances[i].change == IOV_REPLACE;
	}
	return false;
}

static bool is_another_map(const struct iov_plan *plan, const char *provider, const char *map)
{
	return iov_plan_map_changes(plan->from, plan->to, provider, map) ||
	       (is_replaced(plan, provider) && !iov_plan_map_is_handed_on(plan->to, provider, map));
}

/* Its provider stays, but the map that it holds is replaced by another. */
static bool loses_a_map(const struct iov_plan *plan, const struct iov_instance_change *change)
{
	const struct iov_manifest *manifest = change->new->release->manifest;
	for (size_t i = 0; i < manifest->n_imports; i++) {
		const struct iov_import_spec *spec = &manifest->imports[i];
		const char *provider = json_string_value(json_object_get(change->after->imports, spec->map));
		if (provider && is_another_map(plan, provider, spec->source))
			return true;
	}
	return false;
}

static bool is_untouched(const struct iov_plan *plan, const struct iov_instance_change *change)
{
	return change->after->renewed <= change->before->renewed &&
	       !strcmp(change->before->module, change->after->module) &&
	       change->before->group == change->after->group && same_release(change->old, change->new) &&
	       json_equal(change->before->params, change->after->params) &&
	       json_equal(change->before->imports, change->after->imports) && !loses_a_map(plan, change);
}

static enum iov_change change_of(const struct iov_plan *plan, const struct iov_instance_change *change)
{
	if (!change->before)
		return IOV_LOAD;
	if (!change->after)
		return IOV_UNLOAD;
	return is_untouched(plan, change) ? IOV_KEEP : IOV_REPLACE;
}

static int add_instance(struct iov_ctx *ctx, struct iov_plan *plan, const struct iov_instance *before,
			const struct iov_instance *after)
{
	struct iov_instance_change *change = &plan->instances[plan->n_instances++];
	*change = (struct iov_instance_change){
		.before = before,
		.after = after,
		.old = before ? iov_generation_installed(plan->from, before->module) : NULL,
		.new = after ? iov_generation_installed(plan->to, after->module) : NULL,
	};
	if ((before && !change->old) || (after && !change->new))
		return iov_error(ctx, IOV_E_CONFLICT, "instance '%s' runs a module that is not installed",
				 (after ? after : before)->name);
	change->change = change_of(plan, change);
	int rc = iov_plan_sites(ctx, change);
	return rc ? rc : iov_plan_maps(ctx, plan, change);
}

/* Those that go stand behind those that stay, providers first among themselves too: unloading walks the plan backwards.
 */
static int diff_instances(struct iov_ctx *ctx, struct iov_plan *plan)
{
	const struct iov_generation *from = plan->from, *to = plan->to;
	iov_auto(iov_free_ptr) size_t *new_order = NULL;
	iov_auto(iov_free_ptr) size_t *old_order = NULL;
	int rc = iov_plan_order(ctx, to, &new_order);
	if (!rc)
		rc = iov_plan_order(ctx, from, &old_order);
	if (rc)
		return rc;
	plan->instances = calloc(from->n_instances + to->n_instances + 1, sizeof(*plan->instances));
	if (!plan->instances)
		return iov_oom(ctx);
	for (size_t i = 0; !rc && i < to->n_instances; i++) {
		const struct iov_instance *after = &to->instances[new_order[i]];
		rc = add_instance(ctx, plan, iov_generation_instance(from, after->name), after);
	}
	for (size_t i = 0; !rc && i < from->n_instances; i++) {
		const struct iov_instance *before = &from->instances[old_order[i]];
		if (!iov_generation_instance(to, before->name))
			rc = add_instance(ctx, plan, before, NULL);
	}
	return rc;
}

int iov_plan_make_with(struct iov_ctx *ctx, const struct iov_generation *from, const struct iov_generation *to,
		       unsigned flags, struct iov_plan **ret)
{
	iov_auto(iov_plan_release) struct iov_plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return iov_oom(ctx);
	plan->from = from;
	plan->to = to;
	plan->back = flags & IOV_PLAN_BACK;
	plan->lossy = flags & IOV_PLAN_LOSSY;
	int rc = iov_plan_check_contracts(ctx, to);
	if (!rc)
		rc = diff_releases(ctx, plan);
	if (!rc)
		rc = diff_instances(ctx, plan);
	if (!rc)
		*ret = iov_take(plan);
	return rc;
}

int iov_plan_make(struct iov_ctx *ctx, const struct iov_generation *from, const struct iov_generation *to,
		  struct iov_plan **ret)
{
	return iov_plan_make_with(ctx, from, to, 0, ret);
}
