/* What is known of a module. Everything about yanks, pre-releases and locks is decided here: the rest of the solver
 * sees candidates in the order in which to try them, and sets of them. */
#include "resolve/solver.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX ((size_t)30000000)	  /* a second or two; real hosts need thousands */
#define TRIAL_STEPS_MAX ((size_t)1000000) /* some hundredths of a second */

static bool is_unlocked(const struct iov_resolve_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_unlock; i++)
		if (!strcmp(request->unlock[i], name))
			return true;
	return false;
}

static bool is_same_version(const struct iov_release *a, const struct iov_release *b)
{
	return !strcmp(a->manifest->version.text, b->manifest->version.text);
}

/* The provider's record of what is installed, which knows of a yank; the installed one where the provider has no such
 * bytes. */
static const struct iov_release *current_record(const struct module *module, const struct iov_release *installed)
{
	for (size_t i = 0; i < module->n_releases; i++)
		if (is_same_version(module->releases[i], installed) &&
		    !strcmp(module->releases[i]->sha256, installed->sha256))
			return module->releases[i];
	return installed;
}

/* What is installed is never too young. */
static bool is_young(const struct solver *solver, const struct iov_release *release, const struct iov_release *kept)
{
	return release != kept && solver->request->until && strcmp(release->published, solver->request->until) > 0;
}

static bool is_extra(const struct solver *solver, const struct iov_release *release, const struct iov_release *kept)
{
	return release->yanked || is_young(solver, release, kept) ||
	       (solver->with_prereleases && release->manifest->version.prerelease_len);
}

static bool may_be_chosen(const struct solver *solver, const struct iov_release *release,
			  const struct iov_release *kept)
{
	return (!release->yanked || solver->with_yanked) && (!is_young(solver, release, kept) || solver->with_young);
}

static void add(struct module *module, const struct iov_release *release, bool locked, bool extra)
{
	module->candidates[module->n_candidates++] =
		(struct candidate){.release = release, .locked = locked, .extra = extra};
}

/* Newest to oldest, but for the kept one when it is locked, and for other bytes under its version. */
static bool add_listed(const struct solver *solver, struct module *module, const struct iov_release *kept, bool locked,
		       bool extra)
{
	bool listed = false;
	for (size_t i = 0; i < module->n_releases; i++) {
		const struct iov_release *release = module->releases[i];
		bool same = kept && is_same_version(release, kept);
		if (is_extra(solver, release, kept) != extra || (same && (locked || release != kept)))
			continue;
		if (!may_be_chosen(solver, release, kept))
			continue;
		add(module, release, false, extra);
		module->candidates[module->n_candidates - 1].young = is_young(solver, release, kept);
		listed |= same;
	}
	return listed;
}

/* Best first: the locked one, then newest to oldest without yanked ones. What is installed stays a last resort when its
 * lock is lifted; what only an experiment allows comes after everything. */
static int rank(struct solver *solver, struct module *module)
{
	const struct iov_generation *generation = solver->request->locked;
	const struct iov_installed *installed = generation ? iov_generation_installed(generation, module->name) : NULL;
	const struct iov_release *kept = installed ? current_record(module, installed->release) : NULL;
	bool locked = kept && !is_unlocked(solver->request, module->name);
	module->candidates = iov_arena_take(&solver->arena, (module->n_releases + 1) * sizeof(*module->candidates));
	if (!module->candidates)
		return iov_oom(solver->ctx);
	if (locked)
		add(module, kept, true, false);
	bool listed = add_listed(solver, module, kept, locked, false);
	if (kept && !locked && !listed && !(is_extra(solver, kept, kept) && solver->with_yanked))
		add(module, kept, false, false);
	add_listed(solver, module, kept, locked, true);
	module->n_words = iov_states_words(module->n_candidates);
	module->all = iov_states_all(&solver->arena, module->n_candidates);
	return module->all ? IOV_OK : iov_oom(solver->ctx);
}

static int by_name(const void *a, const void *b)
{
	const struct module *left = a, *right = b;
	return strcmp(left->name, right->name);
}

static int add_module(struct solver *solver, const char *name, struct module **ret)
{
	struct module *module = iov_arena_take(&solver->arena, sizeof(*module));
	if (!module)
		return iov_oom(solver->ctx);
	module->name = name;
	int err = solver->provider->releases(solver->ctx, name, &module->releases, &module->n_releases,
					     solver->provider->data);
	if (!err)
		err = rank(solver, module);
	if (!err)
		err = iov_solver_push(solver, &solver->modules, module);
	if (!err && !tsearch(module, &solver->by_name, by_name))
		err = iov_oom(solver->ctx);
	if (!err)
		*ret = module;
	return err;
}

int iov_solver_module(struct solver *solver, const char *name, struct module **ret)
{
	const struct module wanted = {.name = name};
	struct module *const *found = tfind(&wanted, &solver->by_name, by_name);
	if (!found)
		return add_module(solver, name, ret);
	*ret = *found;
	return IOV_OK;
}

/* As if it were the release that it leads up to. */
static bool matches_finished(const struct iov_requirement *requirement, struct iov_version version)
{
	version.prerelease_len = 0;
	return !requirement || iov_requirement_matches(requirement, &version);
}

/* A lock is a reason of its own to take a pre-release where any version will do. */
static bool fits(const struct iov_requirement *requirement, const struct candidate *candidate)
{
	const struct iov_version *version = &candidate->release->manifest->version;
	if (candidate->extra && !candidate->young && matches_finished(requirement, *version))
		return true;
	if (!requirement)
		return !version->prerelease_len || candidate->locked;
	return iov_requirement_matches(requirement, version);
}

static bool is_same_requirement(const struct iov_requirement *a, const struct iov_requirement *b)
{
	return a == b || (a && b && !strcmp(iov_requirement_text(a), iov_requirement_text(b)));
}

static int add_range(struct solver *solver, struct module *module, const struct iov_requirement *requirement)
{
	struct range *range = iov_arena_take(&solver->arena, sizeof(*range));
	uint64_t *matching = iov_states_new(&solver->arena, module->n_words);
	if (!range || !matching)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < module->n_candidates; i++)
		if (fits(requirement, &module->candidates[i]))
			iov_states_add(matching, i + 1);
	const uint64_t *unmet = iov_states_without(&solver->arena, module->all, matching, module->n_words);
	*range = (struct range){
		.requirement = requirement, .matching = matching, .unmet = unmet, .next = module->ranges};
	module->ranges = range;
	return unmet ? IOV_OK : iov_oom(solver->ctx);
}

int iov_solver_range(struct solver *solver, struct module *module, const struct iov_requirement *requirement,
		     const struct range **ret)
{
	const struct range *range = module->ranges;
	while (range && !is_same_requirement(range->requirement, requirement))
		range = range->next;
	int err = range ? IOV_OK : add_range(solver, module, requirement);
	if (!err)
		*ret = range ? range : module->ranges;
	return err;
}

void iov_solver_reset(struct solver *solver)
{
	for (size_t i = 0; i < solver->modules.count; i++) {
		struct module *module = solver->modules.items[i];
		module->n_mentions = 0;
		module->latest = NULL;
		module->queued = false;
		module->place = 0;
	}
	iov_arena_release(&solver->trail_arena);
	solver->queue.count = solver->open.count = solver->n_levels = solver->n_fresh = 0;
	solver->last = NULL;
	solver->failure = NULL;
}

int iov_solver_push(struct solver *solver, struct module_list *list, struct module *module)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 32;
		struct module **items = reallocarray(list->items, cap, sizeof(*items));
		if (!items)
			return iov_oom(solver->ctx);
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] = module;
	return IOV_OK;
}

void iov_solver_init(struct solver *solver, struct iov_ctx *ctx, const struct iov_resolve_request *request,
		     const struct iov_provider *provider)
{
	*solver = (struct solver){.ctx = ctx, .request = request, .provider = provider, .steps_max = STEPS_MAX};
}

void iov_solver_init_trial(struct solver *solver, struct iov_ctx *ctx, const struct iov_resolve_request *request,
			   const struct iov_provider *provider)
{
	iov_solver_init(solver, ctx, request, provider);
	solver->steps_max = TRIAL_STEPS_MAX;
}

static void keep(void *node)
{
	(void)node; /* the arena's */
}

void iov_solver_release(struct solver *solver)
{
	for (size_t i = 0; i < solver->modules.count; i++)
		free(solver->modules.items[i]->mentions);
	tdestroy(solver->by_name, keep);
	free(solver->modules.items);
	free(solver->queue.items);
	free(solver->fresh);
	free(solver->open.items);
	free(solver->path.items);
	free(solver->levels);
	iov_arena_release(&solver->arena);
	iov_arena_release(&solver->trail_arena);
	iov_arena_release(&solver->scratch);
}
