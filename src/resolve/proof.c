/* From what was learned to the steps of a proof. What was learned has a chain of causes; each link is a step of its
 * own, so that the reader gets one new thing at a time. */
#include "resolve/proof.h"

#include <stdlib.h>

#include "util/cleanup.h"

/* A growing list of incompatibilities. */
struct walk {
	struct incompatibility **items; /* owned */
	size_t count, cap;
};

static void walk_release(struct walk *walk)
{
	free(walk->items);
}

static int push(struct solver *solver, struct walk *walk, struct incompatibility *incompatibility)
{
	if (walk->count == walk->cap) {
		size_t cap = walk->cap ? walk->cap * 2 : 64;
		struct incompatibility **items = reallocarray(walk->items, cap, sizeof(*items));
		if (!items)
			return iov_oom(solver->ctx);
		walk->items = items;
		walk->cap = cap;
	}
	incompatibility->reached = true;
	walk->items[walk->count++] = incompatibility;
	return IOV_OK;
}

static int by_serial(const void *a, const void *b)
{
	struct incompatibility *const *left = a, *const *right = b;
	return (*left)->serial < (*right)->serial ? -1 : (*left)->serial > (*right)->serial;
}

/* Everything that the failure follows from, itself included, each once and after its causes. */
static int reach(struct solver *solver, struct incompatibility *failure, struct walk *found)
{
	int err = push(solver, found, failure);
	for (size_t i = 0; !err && i < found->count; i++)
		for (size_t j = 0; !err && j < found->items[i]->n_causes; j++)
			if (!found->items[i]->causes[j]->reached)
				err = push(solver, found, found->items[i]->causes[j]);
	for (size_t i = 0; i < found->count; i++)
		found->items[i]->reached = false;
	if (!err && found->items)
		qsort(found->items, found->count, sizeof(struct incompatibility *), by_serial);
	return err;
}

int iov_proof_facts(struct solver *solver, struct incompatibility *failure, struct facts *ret)
{
	iov_auto(walk_release) struct walk found = {0};
	int err = reach(solver, failure, &found);
	if (err)
		return err;
	struct facts facts = {.items = iov_arena_take(&solver->arena, found.count * sizeof(*facts.items))};
	if (!facts.items)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < found.count; i++)
		if (found.items[i]->origin != CONFLICT)
			facts.items[facts.count++] = found.items[i];
	*ret = facts;
	return IOV_OK;
}

/* NULL: no memory. */
static struct step *new_step(struct solver *solver, struct terms terms, struct proof *proof)
{
	struct step *step = iov_arena_take(&solver->arena, sizeof(*step));
	if (!step)
		return NULL;
	step->terms = terms;
	step->number = proof->count + 1;
	proof->steps[proof->count++] = step;
	return step;
}

static int add_fact(struct solver *solver, struct incompatibility *fact, struct proof *proof)
{
	fact->step = new_step(solver, fact->terms, proof);
	if (!fact->step)
		return iov_oom(solver->ctx);
	fact->step->fact = fact;
	return IOV_OK;
}

/* Goes along the chain as the solver did, from the conflict back to its root. */
static int add_chain(struct solver *solver, struct incompatibility *learned, struct proof *proof)
{
	struct step *last = learned->causes[0]->step;
	for (size_t i = 1; i < learned->n_causes; i++) {
		struct step *cause = learned->causes[i]->step;
		struct terms terms = {0};
		int err =
			iov_solver_join(solver, &solver->arena, last->terms, cause->terms, learned->pivots[i], &terms);
		if (err)
			return err;
		struct step *step = new_step(solver, terms, proof);
		if (!step)
			return iov_oom(solver->ctx);
		step->causes[0] = last;
		step->causes[1] = cause;
		last->uses++;
		cause->uses++;
		last = step;
	}
	learned->step = last;
	return IOV_OK;
}

static size_t count_steps(const struct walk *found)
{
	size_t count = 0;
	for (size_t i = 0; i < found->count; i++)
		count += found->items[i]->origin == CONFLICT ? found->items[i]->n_causes - 1 : 1;
	return count;
}

int iov_proof_make(struct solver *solver, struct incompatibility *failure, struct proof *ret)
{
	iov_auto(walk_release) struct walk found = {0};
	int err = reach(solver, failure, &found);
	if (err)
		return err;
	struct proof proof = {.steps = iov_arena_take(&solver->arena, count_steps(&found) * sizeof(*proof.steps))};
	if (!proof.steps)
		return iov_oom(solver->ctx);
	for (size_t i = 0; !err && i < found.count; i++)
		err = found.items[i]->origin == CONFLICT ? add_chain(solver, found.items[i], &proof)
							 : add_fact(solver, found.items[i], &proof);
	*ret = proof;
	return err;
}
