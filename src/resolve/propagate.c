/* Unit propagation: where all terms of an incompatibility but one are true, the one has to be false. */
#include "resolve/solver.h"

#include <stdlib.h>

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

static const struct module *most_troubled(const struct solver *solver)
{
	const struct module *most = solver->modules.items[0];
	for (size_t i = 1; i < solver->modules.count; i++)
		if (solver->modules.items[i]->trouble > most->trouble)
			most = solver->modules.items[i];
	return most;
}

static int give_up(struct solver *solver)
{
	const struct module *most = most_troubled(solver);
	solver->gave_up = true;
	return iov_error(
		solver->ctx, IOV_E_CONFLICT,
		"no answer after %zu steps, and most conflicts are about '%s'; ask for an exact version, as in "
		"%s@=%s, to leave fewer choices",
		solver->steps_max, most->name, most->name,
		most->n_candidates ? most->candidates[0].release->manifest->version.text : "1.0.0");
}

int iov_solver_look_at(struct solver *solver, struct incompatibility *incompatibility)
{
	if (solver->n_fresh == solver->cap_fresh) {
		size_t cap = solver->cap_fresh ? solver->cap_fresh * 2 : 32;
		struct incompatibility **fresh = reallocarray(solver->fresh, cap, sizeof(*fresh));
		if (!fresh)
			return iov_oom(solver->ctx);
		solver->fresh = fresh;
		solver->cap_fresh = cap;
	}
	solver->fresh[solver->n_fresh++] = incompatibility;
	return IOV_OK;
}

/* The level on which the last of the terms but the open one became true. */
static size_t level_of(const struct incompatibility *incompatibility, const struct term *open)
{
	size_t level = 0;
	for (size_t i = 0; i < incompatibility->terms.count; i++) {
		const struct term *term = &incompatibility->terms.items[i];
		size_t one = term == open ? 0 : iov_solver_satisfier(term->module->latest, term->states)->level;
		level = one > level ? one : level;
	}
	return level;
}

static int look_at_next(struct solver *solver)
{
	struct incompatibility *incompatibility = solver->fresh[--solver->n_fresh];
	const struct term *open = NULL;
	enum relation relation = relate(incompatibility, &open);
	solver->steps++;
	if (relation == SATISFIED)
		return iov_solver_resolve_conflict(solver, incompatibility);
	return relation == ALMOST ? iov_solver_derive(solver, open, incompatibility, level_of(incompatibility, open))
				  : IOV_OK;
}

/* Something new can follow only where the module's own term has become true. From newest to oldest: what was learned
 * late says most. */
static int visit(struct solver *solver, const struct module *module)
{
	for (size_t i = module->n_mentions; i-- > 0;) {
		const struct mention *mention = &module->mentions[i];
		const struct term *open = NULL;
		if (++solver->steps > solver->steps_max)
			return give_up(solver);
		if (!iov_states_is_within(iov_solver_states(module), mention->states, module->n_words))
			continue;
		enum relation relation = relate(mention->incompatibility, &open);
		if (relation == SATISFIED)
			return iov_solver_resolve_conflict(solver, mention->incompatibility);
		int err = relation == ALMOST
				  ? iov_solver_derive(solver, open, mention->incompatibility, solver->n_levels)
				  : IOV_OK;
		if (err)
			return err;
	}
	return IOV_OK;
}

static int visit_next(struct solver *solver)
{
	struct module *module = solver->queue.items[--solver->queue.count];
	module->queued = false;
	return visit(solver, module);
}

int iov_solver_propagate(struct solver *solver)
{
	int err = IOV_OK;
	while (!err && !solver->failure && (solver->n_fresh || solver->queue.count))
		err = solver->n_fresh ? look_at_next(solver) : visit_next(solver);
	return err;
}
