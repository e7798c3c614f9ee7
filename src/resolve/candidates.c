#include "resolve/resolve_internal.h"

#include <stdlib.h>
#include <string.h>

/* A lock is a reason of its own to take a pre-release where any version will do. */
bool iov_resolve_fits(const struct need *need, const struct candidate *candidate)
{
	const struct iov_version *version = &candidate->release->manifest->version;
	if (!need->requirement)
		return !version->prerelease_len || candidate->locked;
	return iov_requirement_matches(need->requirement, version);
}

bool iov_resolve_fits_all(const struct solver *solver, size_t module, const struct candidate *candidate)
{
	for (size_t i = 0; i < solver->n_needs; i++)
		if (solver->needs[i].module == module && !iov_resolve_fits(&solver->needs[i], candidate))
			return false;
	return true;
}

static bool is_unlocked(const struct iov_resolve_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_unlock; i++)
		if (!strcmp(request->unlock[i], name))
			return true;
	return false;
}

static bool is_same_version(const struct iov_release *a, const struct iov_release *b)
{
	return !strcmp(a->manifest->version.text, b->manifest->version.text);
}

/* The provider's record of what is installed, which knows of a yank; the installed one where the provider has no such
 * bytes. */
static const struct iov_release *current_record(const struct module *module, const struct iov_release *installed)
{
	for (size_t i = 0; i < module->n_releases; i++)
		if (is_same_version(module->releases[i], installed) &&
		    !strcmp(module->releases[i]->sha256, installed->sha256))
			return module->releases[i];
	return installed;
}

static void add(struct module *module, const struct iov_release *release, bool locked)
{
	module->candidates[module->n_candidates++] = (struct candidate){.release = release, .locked = locked};
}

/* Best first: the locked one, then newest to oldest without yanked ones. What is installed stays a last resort when its
 * lock is lifted. */
static int rank(struct solver *solver, struct module *module)
{
	const struct iov_generation *generation = solver->request->locked;
	const struct iov_installed *installed = generation ? iov_generation_installed(generation, module->name) : NULL;
	const struct iov_release *kept = installed ? current_record(module, installed->release) : NULL;
	bool locked = kept && !is_unlocked(solver->request, module->name), listed = locked;
	module->candidates = calloc(module->n_releases + 1, sizeof(*module->candidates));
	if (!module->candidates)
		return iov_oom(solver->ctx);
	if (locked)
		add(module, kept, true);
	for (size_t i = 0; i < module->n_releases; i++) {
		const struct iov_release *release = module->releases[i];
		bool same = kept && is_same_version(release, kept);
		if (release->yanked || (same && (locked || release != kept)))
			continue;
		add(module, release, false);
		listed |= same;
	}
	if (kept && !listed)
		add(module, kept, false);
	return IOV_OK;
}

int iov_resolve_module(struct solver *solver, const char *name, size_t *ret)
{
	for (size_t i = 0; i < solver->n_modules; i++)
		if (!strcmp(solver->modules[i].name, name)) {
			*ret = i;
			return IOV_OK;
		}
	if (solver->n_modules == MODULES_MAX)
		return iov_error(solver->ctx, IOV_E_CONFLICT,
				 "'%s' would be one of more than %d modules; ask for fewer at once", name, MODULES_MAX);
	struct module module = {.name = name};
	int err = solver->provider->releases(solver->ctx, name, &module.releases, &module.n_releases,
					     solver->provider->data);
	if (!err)
		err = rank(solver, &module);
	if (err)
		return err;
	*ret = solver->n_modules;
	solver->modules[solver->n_modules++] = module;
	return IOV_OK;
}
