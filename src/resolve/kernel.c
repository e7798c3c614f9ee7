/* The kernel has its say: a release that it does not load is an incompatibility of that candidate alone. */
#include "resolve/solver.h"

#include <string.h>

static int add_lack(struct solver *solver, struct module *module, const uint64_t *states, const struct iov_lack *lack,
		    struct incompatibility **ret)
{
	struct incompatibility *fact = states ? iov_solver_new_fact(solver, KERNEL, 1) : NULL;
	if (!fact)
		return iov_oom(solver->ctx);
	fact->by = module;
	fact->states = states;
	fact->lack = lack;
	fact->terms.items[fact->terms.count++] = (struct term){.module = module, .states = states};
	*ret = fact;
	return IOV_OK;
}

int iov_solver_ask_kernel(struct solver *solver, struct module *module, size_t state, bool *ret_loads)
{
	const struct iov_provider *provider = solver->provider;
	const struct iov_lack *lack = NULL;
	struct incompatibility *fact = NULL;
	if (!provider->lacks)
		return IOV_OK;
	int err = provider->lacks(solver->ctx, module->candidates[state - 1].release, &lack, provider->data);
	if (err || !lack)
		return err;
	uint64_t *states = iov_states_new(&solver->arena, module->n_words);
	if (states)
		iov_states_add(states, state);
	err = add_lack(solver, module, states, lack, &fact);
	*ret_loads = false;
	return err ? err : iov_solver_add(solver, fact);
}

/* Where among the first ones; NULL: nowhere. */
static struct incompatibility **find_same(struct incompatibility **facts, size_t count,
					  const struct incompatibility *fact)
{
	for (size_t i = 0; fact->origin == KERNEL && i < count; i++)
		if (facts[i]->origin == KERNEL && facts[i]->by == fact->by &&
		    !strcmp(facts[i]->lack->text, fact->lack->text))
			return &facts[i];
	return NULL;
}

/* Into a new fact each time: the old ones belong to proofs that were made of them. */
static int merge(struct solver *solver, const struct incompatibility *one, const struct incompatibility *other,
		 struct incompatibility **ret)
{
	struct module *module = one->terms.items[0].module;
	const uint64_t *states = iov_states_union(&solver->arena, one->states, other->states, module->n_words);
	return add_lack(solver, module, states, one->lack, ret);
}

int iov_solver_merge_lacks(struct solver *solver, struct incompatibility **facts, size_t *count)
{
	size_t kept = 0;
	int err = IOV_OK;
	for (size_t i = 0; !err && i < *count; i++) {
		struct incompatibility **same = find_same(facts, kept, facts[i]);
		if (same)
			err = merge(solver, *same, facts[i], same);
		else
			facts[kept++] = facts[i];
	}
	*count = kept;
	return err;
}
