/* The partial solution: assignments in the order in which they were made. Each narrows what its module can be; those
 * after a decision go with it. */
#include "resolve/solver.h"

#include <stdlib.h>

static int assign(struct solver *solver, struct module *module, const uint64_t *states, struct incompatibility *cause,
		  size_t since)
{
	struct assignment *assignment = iov_arena_take(&solver->trail_arena, sizeof(*assignment));
	if (!assignment || !states)
		return iov_oom(solver->ctx);
	*assignment = (struct assignment){.module = module,
					  .states = states,
					  .n_left = iov_states_count(states, module->n_words),
					  .cause = cause,
					  .level = solver->n_levels,
					  .since = since,
					  .index = solver->last ? solver->last->index + 1 : 0,
					  .before = module->latest,
					  .previous = solver->last};
	module->latest = solver->last = assignment;
	return iov_solver_reopen(solver, module);
}

int iov_solver_derive(struct solver *solver, const struct term *open, struct incompatibility *cause, size_t since)
{
	struct module *module = open->module;
	const uint64_t *states =
		iov_states_without(&solver->trail_arena, iov_solver_states(module), open->states, module->n_words);
	int err = assign(solver, module, states, cause, since);
	return err ? err : iov_solver_enqueue(solver, module);
}

static int push_level(struct solver *solver)
{
	if (solver->n_levels == solver->cap_levels) {
		size_t cap = solver->cap_levels ? solver->cap_levels * 2 : 32;
		struct level *levels = reallocarray(solver->levels, cap, sizeof(*levels));
		if (!levels)
			return iov_oom(solver->ctx);
		solver->levels = levels;
		solver->cap_levels = cap;
	}
	solver->levels[solver->n_levels++] =
		(struct level){.mark = iov_arena_mark(&solver->trail_arena), .last = solver->last};
	return IOV_OK;
}

int iov_solver_decide(struct solver *solver, struct module *module, size_t state)
{
	int err = push_level(solver);
	if (err)
		return err;
	uint64_t *states = iov_states_new(&solver->trail_arena, module->n_words);
	if (states)
		iov_states_add(states, state);
	err = assign(solver, module, states, NULL, solver->n_levels);
	return err ? err : iov_solver_enqueue(solver, module);
}

/* The latest assignment is no more. */
static int undo(struct solver *solver, size_t level)
{
	const struct assignment *last = solver->last;
	last->module->latest = last->before;
	solver->last = last->previous;
	int err = iov_solver_reopen(solver, last->module);
	return err || !last->cause || last->since > level ? err : iov_solver_look_at(solver, last->cause);
}

int iov_solver_jump_back(struct solver *solver, size_t level)
{
	if (level == solver->n_levels)
		return IOV_OK;
	const struct level *target = &solver->levels[level];
	int err = IOV_OK;
	while (!err && solver->last != target->last)
		err = undo(solver, level);
	iov_arena_rewind(&solver->trail_arena, target->mark);
	solver->n_levels = level;
	return err;
}

const struct assignment *iov_solver_satisfier(const struct assignment *from, const uint64_t *states)
{
	size_t words = from->module->n_words;
	while (from->before && iov_states_is_within(from->before->states, states, words))
		from = from->before;
	return from;
}
