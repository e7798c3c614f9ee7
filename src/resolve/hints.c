/* What people stumble over: a release that would have done, but is yanked or too young, or a pre-release that nobody
 * asked for. To know that it would do, the wishes that failed are tried again in a world where it may be chosen. */
#include "resolve/proof.h"

#include <string.h>

#include "util/cleanup.h"

struct experiment {
	bool with_yanked, with_prereleases, with_young;
};

static bool is_wished(const struct solver *solver, const struct module *module)
{
	for (size_t i = 0; i < solver->request->n_wishes; i++)
		if (!strcmp(solver->request->wishes[i].name, module->name))
			return true;
	return false;
}

static void tell_release(const struct solver *solver, const struct module *module, struct iov_buf *text)
{
	const struct iov_release *release = iov_solver_chosen(module)->release;
	const char *version = release->manifest->version.text;
	iov_buf_printf(text, "; '%s' %s would do, but is ", module->name, version);
	if (release->yanked)
		iov_buf_printf(text, "yanked: %s", release->yanked);
	else if (iov_solver_chosen(module)->young)
		iov_buf_printf(text, "too young: it was published %s, later than --min-age allows", release->published);
	else if (is_wished(solver, module))
		iov_buf_printf(text, "a pre-release: ask for it by name, %s@=%s", module->name, version);
	else
		iov_buf_puts(text, "a pre-release that nobody asks for");
}

static bool is_asked_for(const struct module *module, const struct candidate *chosen)
{
	const struct iov_version *version = &chosen->release->manifest->version;
	for (const struct range *range = module->ranges; range; range = range->next)
		if (range->requirement && iov_requirement_matches(range->requirement, version))
			return true;
	return false;
}

static void tell_chosen(const struct solver *solver, struct iov_buf *text)
{
	for (size_t i = 0; i < solver->modules.count; i++) {
		const struct module *module = solver->modules.items[i];
		if (!iov_solver_is_decided(module))
			continue;
		const struct candidate *chosen = iov_solver_chosen(module);
		if (chosen->extra && (chosen->release->yanked || chosen->young || !is_asked_for(module, chosen)))
			tell_release(solver, module, text);
	}
}

static int try_out(const struct refused *refused, const struct iov_resolve_request *request,
		   struct experiment experiment, struct iov_buf *text)
{
	iov_auto(iov_solver_release) struct solver solver;
	iov_solver_init_trial(&solver, refused->ctx, request, refused->provider);
	solver.with_yanked = experiment.with_yanked;
	solver.with_prereleases = experiment.with_prereleases;
	solver.with_young = experiment.with_young;
	int err = iov_solver_add_wishes(&solver);
	if (!err)
		err = iov_solver_search(&solver);
	if (!err && !solver.failure)
		tell_chosen(&solver, text);
	return err;
}

/* An experiment that fails, also for lack of an answer, has nothing to tell. */
int iov_proof_hints(const struct refused *refused, struct iov_buf *text)
{
	static const struct experiment experiments[] = {
		{.with_young = true}, {.with_yanked = true}, {.with_prereleases = true}};
	struct iov_resolve_request request = *refused->request;
	request.wishes = refused->blamed;
	request.n_wishes = refused->n_blamed;
	for (size_t i = 0; i < IOV_COUNT(experiments); i++) {
		int err = try_out(refused, &request, experiments[i], text);
		if (err == IOV_E_SPACE)
			return err;
	}
	return IOV_OK;
}
