/*
 * Backtracking with conflict sets: modules are decided in the order in which they are first needed, candidates tried
 * best first. A dead end knows which decisions led to it, so the search goes straight back to the latest of those
 * instead of trying what cannot help.
 */
#include "resolve/resolve_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define STEPS_MAX 100000 /* candidates tried; real hosts need hundreds */

enum outcome { SOLVED, CONFLICT, FAILED /* the error is set */ };

static void add_to(struct module_set *set, size_t module)
{
	if (module != NOBODY)
		set->bits[module / 64] |= 1ull << (module % 64);
}

static bool is_in(const struct module_set *set, size_t module)
{
	return set->bits[module / 64] >> (module % 64) & 1;
}

static void add_all(struct module_set *set, const struct module_set *others)
{
	for (size_t i = 0; i < IOV_COUNT(set->bits); i++)
		set->bits[i] |= others->bits[i];
}

static void remove_from(struct module_set *set, size_t module)
{
	set->bits[module / 64] &= ~(1ull << (module % 64));
}

static int add_need(struct solver *solver, const struct need *need)
{
	if (solver->n_needs == solver->cap_needs) {
		size_t cap = solver->cap_needs ? solver->cap_needs * 2 : 64;
		struct need *needs = reallocarray(solver->needs, cap, sizeof(*needs));
		if (!needs)
			return iov_oom(solver->ctx);
		solver->needs = needs;
		solver->cap_needs = cap;
	}
	solver->needs[solver->n_needs++] = *need;
	return IOV_OK;
}

static int add_wishes(struct solver *solver)
{
	for (size_t i = 0; i < solver->request->n_wishes; i++) {
		const struct iov_wish *wish = &solver->request->wishes[i];
		struct need need = {.by = NOBODY, .requirement = wish->requirement, .why = wish->why};
		int err = iov_resolve_module(solver, wish->name, &need.module);
		if (!err)
			err = add_need(solver, &need);
		if (err)
			return err;
	}
	return IOV_OK;
}

static int add_dependencies(struct solver *solver, size_t module, const struct iov_manifest *manifest)
{
	for (size_t i = 0; i < manifest->n_dependencies; i++) {
		struct need need = {.by = module, .requirement = manifest->dependencies[i].requirement};
		int err = iov_resolve_module(solver, manifest->dependencies[i].name, &need.module);
		if (!err)
			err = add_need(solver, &need);
		if (err)
			return err;
	}
	return IOV_OK;
}

/* Can `to` be reached from `from` through decided modules? */
static bool reaches(const struct solver *solver, size_t from, size_t to, struct module_set *seen)
{
	if (from == to)
		return true;
	if (is_in(seen, from))
		return false;
	add_to(seen, from);
	for (size_t i = 0; i < solver->n_needs; i++)
		if (solver->needs[i].by == from && reaches(solver, solver->needs[i].module, to, seen))
			return true;
	return false;
}

/* A circle is made of decided modules; naming all of them is too many, but never too few. */
static void blame_circle(struct solver *solver, size_t module, size_t other, struct module_set *culprits)
{
	iov_resolve_tell_circle(solver, module, other);
	for (size_t i = 0; i < solver->n_modules; i++)
		if (solver->modules[i].chosen)
			add_to(culprits, i);
}

/* The needs of the module just decided, from `first` on, against what was decided before; culprits are who has to
 * change. */
static bool agrees(struct solver *solver, size_t module, size_t first, struct module_set *culprits)
{
	for (size_t i = first; i < solver->n_needs; i++) {
		const struct need *need = &solver->needs[i];
		const struct module *other = &solver->modules[need->module];
		struct module_set seen = {0};
		if (reaches(solver, need->module, module, &seen)) {
			blame_circle(solver, module, need->module, culprits);
			return false;
		}
		if (other->chosen && !iov_resolve_fits(need, other->chosen)) {
			iov_resolve_tell_dead_end(solver, need->module);
			add_to(culprits, module);
			add_to(culprits, need->module);
			return false;
		}
	}
	return true;
}

/* The first module that is needed and not decided. */
static size_t next_module(const struct solver *solver)
{
	for (size_t i = 0; i < solver->n_needs; i++)
		if (!solver->modules[solver->needs[i].module].chosen)
			return solver->needs[i].module;
	return NOBODY;
}

static enum outcome solve(struct solver *solver, struct module_set *ret_culprits);

static enum outcome try_candidate(struct solver *solver, size_t module, const struct candidate *candidate,
				  struct module_set *ret_culprits)
{
	size_t first = solver->n_needs;
	if (++solver->steps > STEPS_MAX) {
		iov_error(solver->ctx, IOV_E_CONFLICT,
			  "no answer after trying %d releases; name exact versions, as in NAME@=1.2.0, to leave fewer "
			  "choices",
			  STEPS_MAX);
		return FAILED;
	}
	solver->modules[module].chosen = candidate;
	enum outcome outcome = add_dependencies(solver, module, candidate->release->manifest) ? FAILED : SOLVED;
	if (outcome == SOLVED)
		outcome = agrees(solver, module, first, ret_culprits) ? solve(solver, ret_culprits) : CONFLICT;
	if (outcome == SOLVED)
		return SOLVED;
	solver->modules[module].chosen = NULL;
	solver->n_needs = first;
	return outcome;
}

/* Nothing is left for this module: those who need it have to change. */
static void blame_needs(const struct solver *solver, size_t module, struct module_set *culprits)
{
	for (size_t i = 0; i < solver->n_needs; i++)
		if (solver->needs[i].module == module)
			add_to(culprits, solver->needs[i].by);
	remove_from(culprits, module);
}

/* Decides one module and, through the recursion, all that follow. On CONFLICT one of the culprits has to be decided
 * otherwise. */
static enum outcome solve(struct solver *solver, struct module_set *ret_culprits)
{
	size_t module = next_module(solver);
	if (module == NOBODY)
		return SOLVED;
	struct module_set culprits = {0};
	bool tried = false;
	for (size_t i = 0; i < solver->modules[module].n_candidates; i++) {
		const struct candidate *candidate = &solver->modules[module].candidates[i];
		struct module_set found = {0};
		if (!iov_resolve_fits_all(solver, module, candidate))
			continue;
		tried = true;
		enum outcome outcome = try_candidate(solver, module, candidate, &found);
		if (outcome != CONFLICT)
			return outcome;
		if (!is_in(&found, module)) { /* no other candidate of this module can help */
			*ret_culprits = found;
			return CONFLICT;
		}
		add_all(&culprits, &found);
	}
	if (!tried)
		iov_resolve_tell_dead_end(solver, module);
	blame_needs(solver, module, &culprits);
	*ret_culprits = culprits;
	return CONFLICT;
}

static int by_name(const void *a, const void *b)
{
	const struct iov_release *const *left = a, *const *right = b;
	return strcmp((*left)->manifest->name, (*right)->manifest->name);
}

static int collect(const struct solver *solver, const struct iov_release ***ret, size_t *ret_count)
{
	size_t count = 0;
	const struct iov_release **releases = calloc(solver->n_modules + 1, sizeof(struct iov_release *));
	if (!releases)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < solver->n_modules; i++)
		if (solver->modules[i].chosen)
			releases[count++] = solver->modules[i].chosen->release;
	qsort(releases, count, sizeof(struct iov_release *), by_name);
	*ret = releases;
	*ret_count = count;
	return IOV_OK;
}

static void solver_free(struct solver *solver)
{
	if (!solver)
		return;
	for (size_t i = 0; i < solver->n_modules; i++)
		free(solver->modules[i].candidates);
	free(solver->needs);
	iov_buf_release(&solver->dead_ends);
	iov_buf_release(&solver->clash);
	free(solver);
}

static void release(struct solver **solver)
{
	solver_free(*solver);
}

int iov_resolve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		const struct iov_release ***ret, size_t *ret_count)
{
	iov_auto(release) struct solver *solver = calloc(1, sizeof(*solver));
	if (!solver)
		return iov_oom(ctx);
	solver->ctx = ctx;
	solver->request = request;
	solver->provider = provider;
	int err = add_wishes(solver);
	if (err)
		return err;
	struct module_set culprits = {0};
	switch (solve(solver, &culprits)) {
	case SOLVED:
		return collect(solver, ret, ret_count);
	case CONFLICT:
		return iov_resolve_explain(solver);
	default:
		return iov_error_code(ctx);
	}
}
