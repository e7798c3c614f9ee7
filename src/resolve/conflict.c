/*
 * Conflict resolution. An incompatibility came true; the assignment that made it so has a cause of its own, and the two
 * together say something about what was assigned before. That is done again and again, until what was learned blames
 * one assignment of the latest level that matters: jumping back before it, something new follows. What was learned
 * stays, so the same mistake is made once.
 */
#include "resolve/solver.h"

#include <string.h>

#define JUMP_MAX ((size_t)100) /* levels; those of an ordinary host are fewer */

/* One cause more, latest first; in the scratch arena. */
struct link {
	struct incompatibility *cause;
	struct module *pivot;
	const struct link *before;
};

static const struct term *find_term(const struct terms *terms, const struct module *module)
{
	for (size_t i = 0; i < terms->count; i++)
		if (terms->items[i].module == module)
			return &terms->items[i];
	return NULL;
}

/* The latest satisfier made the term true together with earlier assignments of its module; how far up are those? */
static int level_of_rest(struct solver *solver, const struct assignment *last, const struct term *term,
			 size_t *ret_level)
{
	size_t words = last->module->n_words;
	const struct term *caused = last->cause ? find_term(&last->cause->terms, last->module) : NULL;
	if (!caused || !last->before)
		return IOV_OK;
	const uint64_t *rest = iov_states_union(&solver->scratch, caused->states, term->states, words);
	if (!rest)
		return iov_oom(solver->ctx);
	if (iov_states_is_same(rest, last->module->all, words))
		return IOV_OK;
	size_t level = iov_solver_satisfier(last->before, rest)->level;
	if (level > *ret_level)
		*ret_level = level;
	return IOV_OK;
}

/* Whom to blame: the assignment that came last, and the level of the last one before that. */
static int find_satisfiers(struct solver *solver, struct terms terms, const struct assignment **ret_last,
			   size_t *ret_level)
{
	const struct assignment *last = NULL;
	const struct term *term = NULL;
	size_t level = 0;
	for (size_t i = 0; i < terms.count; i++) {
		const struct assignment *one =
			iov_solver_satisfier(terms.items[i].module->latest, terms.items[i].states);
		const struct assignment *earlier = !last || one->index > last->index ? last : one;
		if (earlier && earlier->level > level)
			level = earlier->level;
		if (earlier == last) {
			last = one;
			term = &terms.items[i];
		}
	}
	*ret_last = last;
	*ret_level = level;
	return last ? level_of_rest(solver, last, term, ret_level) : IOV_OK;
}

/* A module's slot tells where it stands in the list, so that joining takes no search. */
static int join_term(struct solver *solver, struct iov_arena *arena, const struct term *term,
		     const struct module *pivot, struct terms *terms)
{
	struct module *module = term->module;
	if (!module->slot) {
		terms->items[terms->count++] = *term;
		module->slot = terms->count;
		return IOV_OK;
	}
	struct term *known = &terms->items[module->slot - 1];
	known->states = module == pivot ? iov_states_union(arena, known->states, term->states, module->n_words)
					: iov_states_common(arena, known->states, term->states, module->n_words);
	return known->states ? IOV_OK : iov_oom(solver->ctx);
}

/* A term that is always true says nothing. */
static void drop_pivot(const struct module *pivot, struct terms *terms)
{
	size_t at = pivot->slot - 1;
	if (!iov_states_is_same(terms->items[at].states, pivot->all, pivot->n_words))
		return;
	terms->count--;
	memmove(&terms->items[at], &terms->items[at + 1], (terms->count - at) * sizeof(*terms->items));
}

int iov_solver_join(struct solver *solver, struct iov_arena *arena, struct terms left, struct terms right,
		    const struct module *pivot, struct terms *ret)
{
	struct terms terms = {.items = iov_arena_take(arena, (left.count + right.count) * sizeof(*terms.items))};
	if (!terms.items)
		return iov_oom(solver->ctx);
	int err = IOV_OK;
	for (size_t i = 0; !err && i < left.count; i++)
		err = join_term(solver, arena, &left.items[i], pivot, &terms);
	for (size_t i = 0; !err && i < right.count; i++)
		err = join_term(solver, arena, &right.items[i], pivot, &terms);
	if (!err)
		drop_pivot(pivot, &terms);
	for (size_t i = 0; i < left.count; i++)
		left.items[i].module->slot = 0;
	for (size_t i = 0; i < right.count; i++)
		right.items[i].module->slot = 0;
	*ret = terms;
	return err;
}

static bool keep_term(struct solver *solver, const struct term *from, struct term *to)
{
	size_t words = from->module->n_words;
	const uint64_t *states = iov_states_common(&solver->arena, from->states, from->states, words);
	*to = (struct term){.module = from->module, .states = states};
	return states != NULL;
}

/* What was learned moves from the scratch arena to where it stays. */
static int learn(struct solver *solver, struct terms terms, const struct link *chain, struct incompatibility **ret)
{
	size_t count = 0;
	for (const struct link *link = chain; link; link = link->before)
		count++;
	struct incompatibility *learned = iov_arena_take(&solver->arena, sizeof(*learned));
	struct term *items = iov_arena_take(&solver->arena, terms.count * sizeof(*items));
	struct incompatibility **causes = iov_arena_take(&solver->arena, count * sizeof(*causes));
	struct module **pivots = iov_arena_take(&solver->arena, count * sizeof(*pivots));
	if (!learned || !items || !causes || !pivots)
		return iov_oom(solver->ctx);
	*learned = (struct incompatibility){.origin = CONFLICT,
					    .terms = {.items = items, .count = terms.count},
					    .causes = causes,
					    .pivots = pivots,
					    .n_causes = count,
					    .serial = ++solver->n_serials};
	for (size_t i = 0; i < terms.count; i++)
		if (!keep_term(solver, &terms.items[i], &items[i]))
			return iov_oom(solver->ctx);
	for (const struct link *link = chain; link; link = link->before) {
		causes[--count] = link->cause;
		pivots[count] = link->pivot;
	}
	*ret = learned;
	return iov_solver_add(solver, learned);
}

/* A jump as far back as can be would take many a decision along that has no part in the conflict, only for it to be
 * made again: on hosts with hundreds of modules nearly all of the time went into that. So a far jump ends right before
 * the assignment to blame; what is learned leaves one term open there, too. */
static size_t where_to(const struct assignment *blamed, size_t level)
{
	return blamed->level > level + JUMP_MAX ? blamed->level - 1 : level;
}

/* Goes back until one assignment of the latest level that matters is to blame, and gives where to jump; none is, where
 * no term is left. */
static int find_root(struct solver *solver, struct terms *terms, const struct link **chain, size_t *ret_level)
{
	while (terms->count) {
		const struct assignment *last = NULL;
		size_t level = 0;
		int err = find_satisfiers(solver, *terms, &last, &level);
		if (err)
			return err;
		if (!last->cause || level < last->level) {
			*ret_level = where_to(last, level);
			return IOV_OK;
		}
		struct link *link = iov_arena_take(&solver->scratch, sizeof(*link));
		if (!link)
			return iov_oom(solver->ctx);
		*link = (struct link){.cause = last->cause, .pivot = last->module, .before = *chain};
		*chain = link;
		err = iov_solver_join(solver, &solver->scratch, *terms, last->cause->terms, last->module, terms);
		if (err)
			return err;
	}
	return IOV_OK;
}

static int blame(struct solver *solver, const struct terms *terms)
{
	int err = IOV_OK;
	for (size_t i = 0; !err && i < terms->count; i++)
		err = iov_solver_blame(solver, terms->items[i].module);
	return err;
}

/* Nothing of it counts any more. */
static void empty_queue(struct solver *solver)
{
	for (; solver->queue.count; solver->queue.count--)
		solver->queue.items[solver->queue.count - 1]->queued = false;
}

int iov_solver_resolve_conflict(struct solver *solver, struct incompatibility *satisfied)
{
	struct iov_arena_mark mark = iov_arena_mark(&solver->scratch);
	const struct link first = {.cause = satisfied}, *chain = &first;
	struct terms terms = satisfied->terms;
	struct incompatibility *learned = NULL;
	size_t level = 0;
	int err = find_root(solver, &terms, &chain, &level);
	if (!err)
		err = iov_solver_jump_back(solver, level);
	if (!err && chain != &first)
		err = learn(solver, terms, chain, &learned);
	iov_arena_rewind(&solver->scratch, mark);
	empty_queue(solver);
	if (!err)
		err = blame(solver, learned ? &learned->terms : &satisfied->terms);
	return err || learned ? err : iov_solver_look_at(solver, satisfied);
}
