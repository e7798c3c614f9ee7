#include "oracle.h"

#include <solv/repo.h>

static Id version_id(Pool *pool, unsigned age)
{
	char text[16];
	world_version(age, text);
	return pool_str2id(pool, text, 1);
}

/* "name >= low" with "name < high" */
static Id need_id(Pool *pool, const struct world *world, const struct world_need *need)
{
	Id name = pool_str2id(pool, world->modules[need->module].name, 1), low = name;
	if (need->high == need->low + 1)
		return pool_rel2id(pool, name, version_id(pool, need->low), REL_EQ, 1);
	if (need->low)
		low = pool_rel2id(pool, name, version_id(pool, need->low), REL_GT | REL_EQ, 1);
	if (need->high >= world->n_ages)
		return low;
	Id high = pool_rel2id(pool, name, version_id(pool, need->high), REL_LT, 1);
	return need->low ? pool_rel2id(pool, low, high, REL_WITH, 1) : high;
}

static void add_release(Pool *pool, Repo *repo, const struct world *world, const struct world_module *module,
			unsigned age, bool only_told)
{
	const struct world_release *release = &module->by_age[age];
	Solvable *solvable = pool_id2solvable(pool, repo_add_solvable(repo));
	solvable->name = pool_str2id(pool, module->name, 1);
	solvable->evr = version_id(pool, age);
	solvable->arch = ARCH_NOARCH;
	solvable->provides = repo_addid_dep(repo, solvable->provides,
					    pool_rel2id(pool, solvable->name, solvable->evr, REL_EQ, 1), 0);
	for (unsigned i = 0; i < release->n_needs; i++)
		if (!only_told || release->needs[i].told)
	solvable->requires = repo_addid_dep(repo, solvable->requires, need_id(pool, world, &release->needs[i]), 0);
}

Pool *oracle_new(const struct world *world, bool only_told)
{
	Pool *pool = pool_create();
	Repo *repo = repo_create(pool, "world");
	for (unsigned i = 0; i < world->n_modules; i++)
		for (unsigned age = 0; age < world->modules[i].n_ages; age++)
			if (!world->modules[i].by_age[age].release->yanked)
				add_release(pool, repo, world, &world->modules[i], age, only_told);
	for (unsigned i = 0; i < world->n_wishes; i++)
		need_id(pool, world, &world->wishes[i]);
	return pool;
}

bool oracle_solve(Pool *pool, const struct world *world, bool only_told)
{
	Queue job;
	queue_init(&job);
	pool_createwhatprovides(pool);
	for (unsigned i = 0; i < world->n_wishes; i++)
		if (!only_told || world->wishes[i].told)
			queue_push2(&job, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES,
				    need_id(pool, world, &world->wishes[i]));
	Solver *solver = solver_create(pool);
	bool met = solver_solve(solver, &job) == 0;
	solver_free(solver);
	queue_free(&job);
	return met;
}
