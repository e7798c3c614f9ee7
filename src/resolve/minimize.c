/* The first proof that turns up may rest on facts that it could do without, and each of those would send people looking
 * in the wrong place. So every fact is left out once: where the others alone still fail, it stays out. */
#include "resolve/proof.h"

/* Searches without the one at `left_out`. */
static int try_without(struct solver *solver, const struct facts *facts, size_t left_out,
		       struct incompatibility **others)
{
	size_t count = 0;
	for (size_t i = 0; i < facts->count; i++)
		if (i != left_out)
			others[count++] = facts->items[i];
	return iov_solver_search_facts(solver, others, count);
}

/* How many of the facts that are known to be needed come next; leaving out another does not change that they are. */
static size_t count_kept(const struct facts *before, size_t tested, const struct facts *after)
{
	size_t kept = 0;
	while (kept < tested && kept < after->count && before->items[kept] == after->items[kept])
		kept++;
	return kept;
}

static int drop_needless(struct solver *solver, struct facts *facts, struct incompatibility **others)
{
	struct incompatibility *proven = solver->failure;
	size_t tested = 0;
	int err = IOV_OK;
	while (!err && tested < facts->count) {
		struct facts fewer = {0};
		err = try_without(solver, facts, tested, others);
		if (!err && !solver->failure) {
			tested++;
			continue;
		}
		if (!err)
			err = iov_proof_facts(solver, solver->failure, &fewer);
		if (err)
			break;
		proven = solver->failure;
		tested = count_kept(facts, tested, &fewer);
		*facts = fewer;
	}
	solver->failure = proven;
	return err;
}

/* What several releases lack alike is told once: the proof is made anew, of these facts. */
static int merge_lacks(struct solver *solver, struct facts *facts)
{
	struct incompatibility *proven = solver->failure;
	size_t count = facts->count;
	int err = iov_solver_merge_lacks(solver, facts->items, &facts->count);
	if (!err && facts->count < count)
		err = iov_solver_search_facts(solver, facts->items, facts->count);
	if (!solver->failure)
		solver->failure = proven;
	return err;
}

/* A proof that takes too long to shorten stays as long as it is. */
int iov_proof_minimize(struct solver *solver, struct facts *ret)
{
	int err = iov_proof_facts(solver, solver->failure, ret);
	if (err)
		return err;
	struct incompatibility **others = iov_arena_take(&solver->arena, ret->count * sizeof(*others));
	if (!others)
		return iov_oom(solver->ctx);
	solver->steps = 0;
	err = drop_needless(solver, ret, others);
	if (!err)
		err = merge_lacks(solver, ret);
	return solver->gave_up ? IOV_OK : err;
}
