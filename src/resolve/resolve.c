#include "resolve/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "resolve/proof.h"
#include "util/cleanup.h"

static int by_name(const void *a, const void *b)
{
	const struct iov_release *const *left = a, *const *right = b;
	return strcmp((*left)->manifest->name, (*right)->manifest->name);
}

static int collect(const struct solver *solver, const struct iov_release ***ret, size_t *ret_count)
{
	size_t count = 0;
	const struct iov_release **releases = calloc(solver->modules.count + 1, sizeof(struct iov_release *));
	if (!releases)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < solver->modules.count; i++)
		if (iov_solver_is_decided(solver->modules.items[i]))
			releases[count++] = iov_solver_chosen(solver->modules.items[i])->release;
	qsort(releases, count, sizeof(struct iov_release *), by_name);
	*ret = releases;
	*ret_count = count;
	return IOV_OK;
}

static bool misses_module(const struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i]->need.module && iov_words_is_unknown(&facts->items[i]->need))
			return true;
	return false;
}

static bool blames_kernel(const struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i]->origin == KERNEL)
			return true;
	return false;
}

/* Sets the error. */
static int refuse(struct solver *solver, const struct facts *facts, const struct iov_buf *text,
		  const struct iov_buf *ways)
{
	const char *kernel = blames_kernel(facts) ? ", or boot a kernel that has it" : NULL;
	if (misses_module(facts))
		return iov_error(solver->ctx, IOV_E_NOT_FOUND, "%s; check the name, or add the registry that has it",
				 text->data);
	if (ways->len)
		return iov_error(solver->ctx, IOV_E_CONFLICT, "no releases fit together: %s; %s%s", text->data,
				 ways->data, kernel ? kernel : "");
	return iov_error(solver->ctx, IOV_E_CONFLICT, "no releases fit together: %s; ask for other versions%s",
			 text->data, kernel ? kernel : ", or remove what stands in the way");
}

static int explain(struct solver *solver)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0}, ways = {0};
	iov_auto(iov_json_release) json_t *derivation = NULL;
	struct facts facts = {0};
	struct proof proof = {0};
	int err = iov_proof_minimize(solver, &facts);
	if (!err)
		err = iov_proof_make(solver, solver->failure, &proof);
	if (!err)
		err = iov_proof_explain(solver, &proof, &text);
	if (!err && solver->request->ret_derivation)
		err = iov_proof_to_json(solver, &proof, &derivation);
	if (!err)
		err = iov_proof_hints(solver, &facts, &text);
	if (!err && !misses_module(&facts))
		err = iov_proof_ways(solver, &facts, &ways);
	if (!err && (iov_buf_failed(&text) || (ways.len && iov_buf_failed(&ways))))
		err = iov_oom(solver->ctx);
	if (err)
		return err;
	if (derivation)
		*solver->request->ret_derivation = iov_take(derivation);
	return refuse(solver, &facts, &text, &ways);
}

int iov_resolve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		const struct iov_release ***ret, size_t *ret_count)
{
	iov_auto(iov_solver_release) struct solver solver;
	iov_solver_init(&solver, ctx, request, provider);
	int err = iov_solver_add_wishes(&solver);
	if (!err)
		err = iov_solver_search(&solver);
	if (err)
		return err;
	return solver.failure ? explain(&solver) : collect(&solver, ret, ret_count);
}
