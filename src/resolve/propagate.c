/* Unit propagation: where all terms of an incompatibility but one are true, the one has to be false. */
#include "resolve/solver.h"

#define STEPS_MAX ((size_t)30000000) /* incompatibilities looked at, about a second; real hosts need thousands */

enum relation { SATISFIED, ALMOST, OTHER };

/* ALMOST: `ret_open` is the term that is left open; the others are true. */
static enum relation relate(struct incompatibility *incompatibility, const struct term **ret_open)
{
	const struct term *open = NULL;
	for (size_t i = 0; i < incompatibility->terms.count; i++) {
		const struct term *term = &incompatibility->terms.items[i];
		const uint64_t *states = iov_solver_states(term->module);
		if (iov_states_is_within(states, term->states, term->module->n_words))
			continue;
		if (open || iov_states_is_apart(states, term->states, term->module->n_words))
			return OTHER;
		open = term;
	}
	*ret_open = open;
	return open ? ALMOST : SATISFIED;
}

int iov_solver_enqueue(struct solver *solver, struct module *module)
{
	if (module->queued)
		return IOV_OK;
	module->queued = true;
	return iov_solver_push(solver, &solver->queue, module);
}

static int give_up(struct solver *solver)
{
	solver->gave_up = true;
	return iov_error(solver->ctx, IOV_E_CONFLICT,
			 "no answer after %zu steps; name exact versions, as in NAME@=1.2.0, to leave fewer choices",
			 STEPS_MAX);
}

/* From newest to oldest: what was learned late says most. */
static int visit(struct solver *solver, const struct module *module)
{
	for (size_t i = module->n_mentions; i-- > 0;) {
		struct incompatibility *incompatibility = module->mentions[i];
		const struct term *open = NULL;
		if (++solver->steps > STEPS_MAX)
			return give_up(solver);
		enum relation relation = relate(incompatibility, &open);
		if (relation == SATISFIED)
			return iov_solver_resolve_conflict(solver, incompatibility);
		int err = relation == ALMOST ? iov_solver_derive(solver, open, incompatibility) : IOV_OK;
		if (err)
			return err;
	}
	return IOV_OK;
}

int iov_solver_propagate(struct solver *solver)
{
	while (!solver->failure && solver->queue.count) {
		struct module *module = solver->queue.items[--solver->queue.count];
		module->queued = false;
		int err = visit(solver, module);
		if (err)
			return err;
	}
	return IOV_OK;
}
