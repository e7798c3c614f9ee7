/* Ways out of a failure. Each wish that the proof rests on is tried in any version, and then left out: where everything
 * else fits then, that is what a person can do. */
#include "resolve/proof.h"

#include <inttypes.h>
#include <string.h>

#include "util/cleanup.h"

#define WAYS_MAX 3   /* more of them help nobody to choose */
#define TRIALS_MAX 8 /* wishes */

static bool is_same_wish(const struct incompatibility *fact, const struct iov_wish *wish)
{
	const struct iov_requirement *a = fact->need.requirement, *b = wish->requirement;
	if (strcmp(fact->need.module->name, wish->name) != 0)
		return false;
	return a == b || (a && b && !strcmp(iov_requirement_text(a), iov_requirement_text(b)));
}

/* All wishes but this one; in its place, `instead` where it is not NULL. */
static int other_wishes(struct solver *solver, const struct incompatibility *fact, const struct iov_wish *instead,
			struct iov_resolve_request *request)
{
	struct iov_wish *wishes = iov_arena_take(&solver->arena, (request->n_wishes + 1) * sizeof(*wishes));
	size_t count = 0;
	if (!wishes)
		return iov_oom(solver->ctx);
	for (size_t i = 0; i < request->n_wishes; i++)
		if (!is_same_wish(fact, &request->wishes[i]))
			wishes[count++] = request->wishes[i];
	if (instead)
		wishes[count++] = *instead;
	request->wishes = wishes;
	request->n_wishes = count;
	return IOV_OK;
}

static void tell_version(const struct module *module, struct iov_buf *text)
{
	const struct iov_version *version = &iov_solver_chosen(module)->release->manifest->version;
	if (version->prerelease_len)
		iov_buf_printf(text, "ask for '%s' =%s", module->name, version->text);
	else
		iov_buf_printf(text, "ask for '%s' ^%" PRIu64 ".%" PRIu64 ".%" PRIu64, module->name, version->major,
			       version->minor, version->patch);
}

/* Appends what to do when it helps. A trial that fails, also for lack of an answer, has nothing to tell. */
static int try_wish(struct solver *solver, const struct incompatibility *fact, const struct iov_wish *instead,
		    const char *between, struct iov_buf *text)
{
	iov_auto(iov_solver_release) struct solver other;
	struct iov_resolve_request request = *solver->request;
	struct module *module = NULL;
	int err = other_wishes(solver, fact, instead, &request);
	iov_solver_init_trial(&other, solver->ctx, &request, solver->provider);
	if (!err)
		err = iov_solver_add_wishes(&other);
	if (!err)
		err = iov_solver_search(&other);
	if (!err && instead)
		err = iov_solver_module(&other, instead->name, &module);
	if (err || other.failure)
		return err == IOV_E_SPACE ? err : IOV_OK;
	iov_buf_puts(text, between);
	if (instead)
		tell_version(module, text);
	else
		iov_buf_printf(text, "leave out '%s'", fact->need.module->name);
	return IOV_OK;
}

static size_t count_wishes(const struct facts *facts)
{
	size_t count = 0;
	for (size_t i = 0; i < facts->count; i++)
		count += facts->items[i]->origin == WISH;
	return count;
}

static int try_ways(struct solver *solver, const struct incompatibility *fact, bool alone, const char *between,
		    struct iov_buf *text)
{
	const struct iov_wish any = {.name = fact->need.module->name, .why = fact->why};
	size_t before = text->len;
	int err = fact->need.requirement ? try_wish(solver, fact, &any, between, text) : IOV_OK;
	if (!err && text->len == before && !alone)
		err = try_wish(solver, fact, NULL, between, text);
	return err;
}

int iov_proof_ways(struct solver *solver, const struct facts *facts, struct iov_buf *text)
{
	bool alone = count_wishes(facts) < 2;
	size_t ways = 0, trials = 0;
	int err = IOV_OK;
	for (size_t i = 0; !err && i < facts->count && ways < WAYS_MAX && trials < TRIALS_MAX; i++) {
		if (facts->items[i]->origin != WISH)
			continue;
		size_t before = text->len;
		err = try_ways(solver, facts->items[i], alone, text->len ? ", or " : "", text);
		ways += text->len > before;
		trials++;
	}
	return err;
}
