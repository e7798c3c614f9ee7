/* Wishes and dependencies as incompatibilities. "top ^1 needs table ^2" is: not both top in ^1 and table elsewhere than
 * in ^2. Where nothing matches, the second term is always true and left out. */
#include "resolve/solver.h"

#include <stdlib.h>
#include <string.h>

static int mention(struct solver *solver, const struct term *term, struct incompatibility *incompatibility)
{
	struct module *module = term->module;
	if (module->n_mentions == module->cap_mentions) {
		size_t cap = module->cap_mentions ? module->cap_mentions * 2 : 4;
		struct mention *mentions = reallocarray(module->mentions, cap, sizeof(*mentions));
		if (!mentions)
			return iov_oom(solver->ctx);
		module->mentions = mentions;
		module->cap_mentions = cap;
	}
	module->mentions[module->n_mentions++] =
		(struct mention){.states = term->states, .incompatibility = incompatibility};
	return IOV_OK;
}

int iov_solver_add(struct solver *solver, struct incompatibility *incompatibility)
{
	if (!incompatibility->terms.count && !solver->failure)
		solver->failure = incompatibility;
	for (size_t i = 0; i < incompatibility->terms.count; i++) {
		int err = mention(solver, &incompatibility->terms.items[i], incompatibility);
		if (err)
			return err;
	}
	return iov_solver_look_at(solver, incompatibility);
}

struct incompatibility *iov_solver_new_fact(struct solver *solver, enum origin origin, size_t most_terms)
{
	struct incompatibility *fact = iov_arena_take(&solver->arena, sizeof(*fact));
	struct term *items = iov_arena_take(&solver->arena, most_terms * sizeof(*items));
	if (!fact || !items)
		return NULL;
	*fact = (struct incompatibility){.origin = origin, .terms = {.items = items}, .serial = ++solver->n_serials};
	return fact;
}

static void add_term(struct incompatibility *fact, struct module *module, const uint64_t *states)
{
	fact->terms.items[fact->terms.count++] = (struct term){.module = module, .states = states};
}

/* The module must not be elsewhere than where the need is met. */
static void add_unmet(struct incompatibility *fact, const struct need *need)
{
	fact->need = *need;
	if (iov_states_count(need->matching, need->module->n_words))
		add_term(fact, need->module, need->unmet);
}

static int find_need(struct solver *solver, const char *name, const struct iov_requirement *requirement,
		     struct need *ret)
{
	struct module *module;
	const struct range *range;
	int err = iov_solver_module(solver, name, &module);
	if (!err)
		err = iov_solver_range(solver, module, requirement, &range);
	if (!err)
		*ret = (struct need){.module = module,
				     .requirement = requirement,
				     .matching = range->matching,
				     .unmet = range->unmet};
	return err;
}

static int add_wish(struct solver *solver, const struct iov_wish *wish)
{
	struct need need;
	int err = find_need(solver, wish->name, wish->requirement, &need);
	if (err)
		return err;
	struct incompatibility *fact = iov_solver_new_fact(solver, WISH, 1);
	if (!fact)
		return iov_oom(solver->ctx);
	fact->why = wish->why;
	add_unmet(fact, &need);
	return iov_solver_add(solver, fact);
}

static const char *text_of(const struct iov_requirement *requirement)
{
	return requirement ? iov_requirement_text(requirement) : "";
}

static int by_name_and_text(const void *a, const void *b)
{
	const struct iov_wish *const *left = a, *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);
	return order ? order : strcmp(text_of((*left)->requirement), text_of((*right)->requirement));
}

/* Sorted, so that their order does not count. */
int iov_solver_add_wishes(struct solver *solver)
{
	size_t count = solver->request->n_wishes;
	const struct iov_wish **sorted = iov_arena_take(&solver->arena, count * sizeof(*sorted));
	if (!sorted)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &solver->request->wishes[i];
	qsort(sorted, count, sizeof(struct iov_wish *), by_name_and_text);
	int err = IOV_OK;
	for (size_t i = 0; !err && !solver->failure && i < count; i++)
		err = add_wish(solver, sorted[i]);
	return err;
}

static const struct iov_dependency *find_dependency(const struct iov_release *release, const char *name,
						    const struct iov_requirement *requirement)
{
	const struct iov_manifest *manifest = release->manifest;
	for (size_t i = 0; i < manifest->n_dependencies; i++) {
		const struct iov_dependency *one = &manifest->dependencies[i];
		if (!strcmp(one->name, name) &&
		    (!requirement || !strcmp(text_of(one->requirement), text_of(requirement))))
			return one;
	}
	return NULL;
}

/* The candidates that say the same; NULL requirement: that need it in any version. */
static uint64_t *states_needing(struct solver *solver, const struct module *module, const char *name,
				const struct iov_requirement *requirement)
{
	uint64_t *states = iov_states_new(&solver->arena, module->n_words);
	for (size_t i = 0; states && i < module->n_candidates; i++)
		if (find_dependency(module->candidates[i].release, name, requirement))
			iov_states_add(states, i + 1);
	return states;
}

/* Another candidate with the same dependency may have brought it already. */
static bool is_known(const struct module *module, const uint64_t *states)
{
	for (size_t i = 0; i < module->n_candidates; i++)
		if (module->candidates[i].needs && iov_states_has(states, i + 1))
			return true;
	return false;
}

static int add_dependency(struct solver *solver, struct module *module, const struct need *need)
{
	const uint64_t *states = states_needing(solver, module, need->module->name, need->requirement);
	if (!states)
		return iov_oom(solver->ctx);
	if (need->module == module || is_known(module, states))
		return IOV_OK;
	struct incompatibility *fact = iov_solver_new_fact(solver, DEPENDENCY, 2);
	if (!fact)
		return iov_oom(solver->ctx);
	fact->by = module;
	fact->states = states;
	add_term(fact, module, states);
	add_unmet(fact, need);
	return iov_solver_add(solver, fact);
}

static int by_need(const void *a, const void *b)
{
	const struct need *left = a, *right = b;
	return strcmp(left->module->name, right->module->name);
}

/* Dependencies of the same name and requirement are one fact for all candidates that have them. */
int iov_solver_add_dependencies(struct solver *solver, struct module *module, struct candidate *candidate)
{
	const struct iov_manifest *manifest = candidate->release->manifest;
	struct need *needs = iov_arena_take(&solver->arena, (manifest->n_dependencies + 1) * sizeof(*needs));
	if (!needs)
		return iov_oom(solver->ctx);
	int err = IOV_OK;
	for (size_t i = 0; !err && i < manifest->n_dependencies; i++) {
		const struct iov_dependency *dependency = &manifest->dependencies[i];
		err = find_need(solver, dependency->name, dependency->requirement, &needs[i]);
	}
	if (!err)
		qsort(needs, manifest->n_dependencies, sizeof(*needs), by_need);
	for (size_t i = 0; !err && i < manifest->n_dependencies; i++)
		err = add_dependency(solver, module, &needs[i]);
	if (!err)
		candidate->needs = needs;
	return err;
}

/* Where to begin telling a circle: with what brought the others in. */
static size_t first_decided(const struct module_list *circle)
{
	size_t first = 0;
	for (size_t i = 1; i < circle->count; i++)
		if (circle->items[i]->latest->index < circle->items[first]->latest->index)
			first = i;
	return first;
}

int iov_solver_add_circle(struct solver *solver, const struct module_list *circle)
{
	struct incompatibility *fact = iov_solver_new_fact(solver, CIRCLE, circle->count);
	if (!fact)
		return iov_oom(solver->ctx);
	for (size_t i = 0, first = first_decided(circle); i < circle->count; i++) {
		struct module *module = circle->items[(first + i) % circle->count];
		const struct module *next = circle->items[(first + i + 1) % circle->count];
		const uint64_t *states = states_needing(solver, module, next->name, NULL);
		if (!states)
			return iov_oom(solver->ctx);
		add_term(fact, module, states);
	}
	return iov_solver_add(solver, fact);
}
