/* Modules cannot need each other in a circle: none of them could be loaded first. */
#include "resolve/solver.h"

static size_t count_needs(const struct module *module)
{
	return iov_solver_chosen(module)->release->manifest->n_dependencies;
}

/* The next decided module that this one needs and that was not seen yet; NULL: none. A module that is seen again is
 * only of interest when it is the one where the search began. */
static struct module *next_needed(const struct module *module, const struct module *start, size_t visit)
{
	const struct candidate *chosen = iov_solver_chosen(module);
	for (size_t i = 0; chosen->needs && i < count_needs(module); i++) {
		struct module *next = chosen->needs[i].module;
		if (next == start || (iov_solver_is_decided(next) && next->visit != visit))
			return next;
	}
	return NULL;
}

/* Depth first, with solver->path as the stack; a circle that a decision closes goes through the module decided. */
int iov_solver_find_circle(struct solver *solver, struct module *start)
{
	struct module_list *path = &solver->path;
	size_t visit = ++solver->n_visits;
	path->count = 0;
	int err = iov_solver_push(solver, path, start);
	while (!err && path->count) {
		solver->steps++;
		struct module *next = next_needed(path->items[path->count - 1], start, visit);
		if (next == start)
			return iov_solver_add_circle(solver, path);
		if (!next) {
			path->count--;
			continue;
		}
		next->visit = visit;
		err = iov_solver_push(solver, path, next);
	}
	return err;
}
