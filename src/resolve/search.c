/* The loop of PubGrub: what follows, then one decision more: on the module with the fewest candidates left, which shows
 * soonest what cannot work, and of equals on the first by name (open.c). */
#include "resolve/solver.h"

static int learn_of(struct solver *solver, struct module *module, size_t state)
{
	bool loads = true;
	int err = iov_solver_ask_kernel(solver, module, state, &loads);
	if (!err && loads)
		err = iov_solver_add_dependencies(solver, module, &module->candidates[state - 1]);
	return err;
}

/* Whether the kernel loads a release, and what it needs, becomes known before it is chosen; then it may be no choice
 * any more. */
static int try_best(struct solver *solver, struct module *module)
{
	size_t state = iov_states_best(iov_solver_states(module), module->n_words);
	if (!solver->closed && !module->candidates[state - 1].needs)
		return learn_of(solver, module, state);
	int err = iov_solver_decide(solver, module, state);
	return err || solver->closed ? err : iov_solver_find_circle(solver, module);
}

int iov_solver_search(struct solver *solver)
{
	for (;;) {
		int err = iov_solver_propagate(solver);
		if (err || solver->failure || !solver->open.count)
			return err;
		err = try_best(solver, solver->open.items[0]);
		if (err)
			return err;
	}
}

static int add_facts(struct solver *solver, struct incompatibility *const *facts, size_t count, bool wishes)
{
	int err = IOV_OK;
	for (size_t i = 0; !err && i < count; i++)
		if ((facts[i]->origin == WISH) == wishes)
			err = iov_solver_add(solver, facts[i]);
	return err;
}

/* Wishes first, as in the search that found the facts: what follows from them stands before everything in the trail,
 * thus last in a proof. */
int iov_solver_search_facts(struct solver *solver, struct incompatibility *const *facts, size_t count)
{
	iov_solver_reset(solver);
	solver->closed = true;
	int err = add_facts(solver, facts, count, true);
	if (!err)
		err = iov_solver_propagate(solver);
	if (!err && !solver->failure)
		err = add_facts(solver, facts, count, false);
	return err ? err : iov_solver_search(solver);
}
