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

/* What is kept of a failure when its solver is gone. */
struct failure {
	struct iov_buf proof;	 /* in words */
	json_t *derivation;	 /* NULL: not wanted */
	struct iov_wish *blamed; /* what it rests on; names and requirements are the request's */
	size_t n_blamed;
	bool misses_module, blames_kernel;
};

static void failure_release(struct failure *failure)
{
	iov_buf_release(&failure->proof);
	json_decref(failure->derivation);
	free(failure->blamed);
}

static int blame_wishes(struct iov_ctx *ctx, const struct facts *facts, struct failure *failure)
{
	failure->blamed = calloc(facts->count + 1, sizeof(*failure->blamed));
	if (!failure->blamed)
		return iov_oom(ctx);
	for (size_t i = 0; i < facts->count; i++) {
		const struct incompatibility *fact = facts->items[i];
		if (fact->origin == WISH)
			failure->blamed[failure->n_blamed++] = (struct iov_wish){.name = fact->need.module->name,
										 .requirement = fact->need.requirement,
										 .why = fact->why};
	}
	return IOV_OK;
}

static int explain(struct solver *solver, struct failure *failure)
{
	struct facts facts = {0};
	struct proof proof = {0};
	int err = iov_proof_minimize(solver, &facts);
	if (!err)
		err = iov_proof_make(solver, solver->failure, &proof);
	if (!err)
		err = iov_proof_explain(solver, &proof, &failure->proof);
	if (!err && solver->request->ret_derivation)
		err = iov_proof_to_json(solver, &proof, &failure->derivation);
	if (!err)
		err = blame_wishes(solver->ctx, &facts, failure);
	failure->misses_module = misses_module(&facts);
	failure->blames_kernel = blames_kernel(&facts);
	return err;
}

/* The failure is filled where nothing fits. */
static int solve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		 const struct iov_release ***ret, size_t *ret_count, struct failure *failure)
{
	iov_auto(iov_solver_release) struct solver solver;
	iov_solver_init(&solver, ctx, request, provider);
	int err = iov_solver_add_wishes(&solver);
	if (!err)
		err = iov_solver_search(&solver);
	if (err)
		return err;
	return solver.failure ? explain(&solver, failure) : collect(&solver, ret, ret_count);
}

/* Sets the error. */
static int tell(struct iov_ctx *ctx, const struct failure *failure, const struct iov_buf *ways)
{
	const char *kernel = failure->blames_kernel ? ", or boot a kernel that has it" : NULL,
		   *proof = failure->proof.data;
	if (failure->misses_module)
		return iov_error(ctx, IOV_E_NOT_FOUND, "%s; check the name, or add the registry that has it", proof);
	if (ways->len)
		return iov_error(ctx, IOV_E_CONFLICT, "no releases fit together: %s; %s%s", proof, ways->data,
				 kernel ? kernel : "");
	return iov_error(ctx, IOV_E_CONFLICT, "no releases fit together: %s; ask for other versions%s", proof,
			 kernel ? kernel : ", or remove what stands in the way");
}

static int refuse(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		  struct failure *failure)
{
	iov_auto(iov_buf_release) struct iov_buf ways = {0};
	const struct refused refused = {.ctx = ctx,
					.request = request,
					.provider = provider,
					.blamed = failure->blamed,
					.n_blamed = failure->n_blamed};
	int err = iov_proof_hints(&refused, &failure->proof);
	if (!err && !failure->misses_module)
		err = iov_proof_ways(&refused, &ways);
	if (!err && (iov_buf_failed(&failure->proof) || (ways.len && iov_buf_failed(&ways))))
		err = iov_oom(ctx);
	if (err)
		return err;
	if (failure->derivation)
		*request->ret_derivation = iov_take(failure->derivation);
	return tell(ctx, failure, &ways);
}

int iov_resolve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		const struct iov_release ***ret, size_t *ret_count)
{
	iov_auto(failure_release) struct failure failure = {0};
	int err = solve(ctx, request, provider, ret, ret_count, &failure);
	return err || !failure.blamed ? err : refuse(ctx, request, provider, &failure);
}
