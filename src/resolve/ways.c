/* Ways out of a failure. Each wish that the proof rests on is tried in any version, and then left out: where everything
 * else fits then, that is what a person can do. */
#include "resolve/proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define WAYS_MAX 3   /* more of them help nobody to choose */
#define TRIALS_MAX 8 /* wishes */

static bool is_same_wish(const struct iov_wish *left, const struct iov_wish *right)
{
	const struct iov_requirement *a = left->requirement, *b = right->requirement;
	if (strcmp(left->name, right->name) != 0)
		return false;
	return a == b || (a && b && !strcmp(iov_requirement_text(a), iov_requirement_text(b)));
}

/* All wishes but this one; in its place, `instead` where it is not NULL. The caller's to free; NULL: no memory. */
static struct iov_wish *other_wishes(const struct iov_resolve_request *request, const struct iov_wish *wish,
				     const struct iov_wish *instead, size_t *ret_count)
{
	struct iov_wish *wishes = calloc(request->n_wishes + 1, sizeof(*wishes));
	size_t count = 0;
	for (size_t i = 0; wishes && i < request->n_wishes; i++)
		if (!is_same_wish(wish, &request->wishes[i]))
			wishes[count++] = request->wishes[i];
	if (wishes && instead)
		wishes[count++] = *instead;
	*ret_count = count;
	return wishes;
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
static int try_wish(const struct refused *refused, const struct iov_wish *wish, const struct iov_wish *instead,
		    const char *between, struct iov_buf *text)
{
	iov_auto(iov_solver_release) struct solver solver;
	struct iov_resolve_request request = *refused->request;
	iov_auto(iov_free_ptr) struct iov_wish *wishes =
		other_wishes(refused->request, wish, instead, &request.n_wishes);
	struct module *module = NULL;
	request.wishes = wishes;
	iov_solver_init_trial(&solver, refused->ctx, &request, refused->provider);
	int err = wishes ? iov_solver_add_wishes(&solver) : iov_oom(refused->ctx);
	if (!err)
		err = iov_solver_search(&solver);
	if (!err && instead)
		err = iov_solver_module(&solver, instead->name, &module);
	if (err || solver.failure)
		return err == IOV_E_SPACE ? err : IOV_OK;
	iov_buf_puts(text, between);
	if (instead)
		tell_version(module, text);
	else
		iov_buf_printf(text, "leave out '%s'", wish->name);
	return IOV_OK;
}

static int try_ways(const struct refused *refused, const struct iov_wish *wish, const char *between,
		    struct iov_buf *text)
{
	const struct iov_wish any = {.name = wish->name, .why = wish->why};
	size_t before = text->len;
	int err = wish->requirement ? try_wish(refused, wish, &any, between, text) : IOV_OK;
	if (!err && text->len == before && refused->n_blamed > 1)
		err = try_wish(refused, wish, NULL, between, text);
	return err;
}

int iov_proof_ways(const struct refused *refused, struct iov_buf *text)
{
	size_t ways = 0;
	int err = IOV_OK;
	for (size_t i = 0; !err && i < refused->n_blamed && i < TRIALS_MAX && ways < WAYS_MAX; i++) {
		size_t before = text->len;
		err = try_ways(refused, &refused->blamed[i], text->len ? ", or " : "", text);
		ways += text->len > before;
	}
	return err;
}
