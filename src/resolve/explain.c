#include "resolve/resolve_internal.h"

#include <string.h>

#include "util/cleanup.h"

#define DEAD_ENDS_MAX 3 /* told in full; more of them read no better */
#define VERSIONS_MAX 6	/* of a module, likewise */

static const char *name_of(const struct solver *solver, size_t module)
{
	return solver->modules[module].name;
}

static const char *version_of(const struct solver *solver, size_t module)
{
	return solver->modules[module].chosen->release->manifest->version.text;
}

static const struct need *first_need(const struct solver *solver, size_t module)
{
	for (size_t i = 0; i < solver->n_needs; i++)
		if (solver->needs[i].module == module)
			return &solver->needs[i];
	return NULL;
}

static void tell_need(const struct solver *solver, const struct need *need, struct iov_buf *text)
{
	const char *name = name_of(solver, need->module),
		   *range = need->requirement ? iov_requirement_text(need->requirement) : NULL;
	if (text->len)
		iov_buf_puts(text, " and ");
	if (need->by != NOBODY)
		iov_buf_printf(text, "'%s' %s needs ", name_of(solver, need->by), version_of(solver, need->by));
	iov_buf_printf(text, "'%s'%s%s", name, range ? " " : "", range ? range : "");
	if (need->by == NOBODY)
		iov_buf_printf(text, " is wanted%s%s%s", need->why ? " (" : "", need->why ? need->why : "",
			       need->why ? ")" : "");
}

/* How a module came in, from the wish on, each module once. */
static void tell_chain(const struct solver *solver, size_t module, bool *told, struct iov_buf *text)
{
	if (module == NOBODY || told[module])
		return;
	told[module] = true;
	const struct need *need = first_need(solver, module);
	if (!need)
		return;
	tell_chain(solver, need->by, told, text);
	tell_need(solver, need, text);
}

static size_t tell_needs(const struct solver *solver, size_t module, struct iov_buf *text)
{
	bool told[MODULES_MAX] = {false};
	size_t count = 0;
	for (size_t i = 0; i < solver->n_needs; i++) {
		if (solver->needs[i].module != module)
			continue;
		tell_chain(solver, solver->needs[i].by, told, text);
		tell_need(solver, &solver->needs[i], text);
		count++;
	}
	return count;
}

static void tell_versions(const struct module *module, struct iov_buf *text)
{
	size_t shown = module->n_candidates > VERSIONS_MAX ? VERSIONS_MAX - 1 : module->n_candidates;
	for (size_t i = 0; i < shown; i++) {
		const char *between = i == 0 ? "" : i + 1 == module->n_candidates ? " and " : ", ";
		iov_buf_printf(text, "%s%s", between, module->candidates[i].release->manifest->version.text);
	}
	if (shown < module->n_candidates)
		iov_buf_printf(text, " and %zu more", module->n_candidates - shown);
}

/* A yanked release that would have done, or a pre-release that nobody asked for: what people stumble over. */
static void tell_passed_over(const struct solver *solver, size_t module, struct iov_buf *text)
{
	const struct module *it = &solver->modules[module];
	for (size_t i = 0; i < it->n_releases; i++) {
		const struct iov_release *release = it->releases[i];
		const char *version = release->manifest->version.text;
		if (release->yanked && iov_resolve_fits_all(solver, module, &(struct candidate){.release = release})) {
			iov_buf_printf(text, " (%s would do, but is yanked: %s)", version, release->yanked);
			return;
		}
	}
	if (it->n_candidates && it->candidates[0].release->manifest->version.prerelease_len)
		iov_buf_printf(text, " (ask for the pre-release by name: %s@=%s)", it->name,
			       it->candidates[0].release->manifest->version.text);
}

static void tell_choices(const struct solver *solver, size_t module, size_t n_needs, struct iov_buf *text)
{
	const struct module *it = &solver->modules[module];
	if (!it->n_releases && !it->n_candidates) {
		iov_buf_printf(text, "no registry has a module named '%s'", it->name);
	} else if (!it->n_candidates) {
		iov_buf_printf(text, "every release of '%s' is yanked", it->name);
	} else {
		iov_buf_puts(text, n_needs > 1 ? "no release is all of that, of " : "there is only ");
		tell_versions(it, text);
	}
	tell_passed_over(solver, module, text);
}

static bool has_choice(const struct solver *solver, size_t module)
{
	for (size_t i = 0; i < solver->modules[module].n_candidates; i++)
		if (iov_resolve_fits_all(solver, module, &solver->modules[module].candidates[i]))
			return true;
	return false;
}

/* Told where it is new and one of the first. False: known already. */
static bool remember(struct solver *solver, const struct iov_buf *text)
{
	if (iov_buf_failed(text) || (solver->dead_ends.data && strstr(solver->dead_ends.data, text->data)))
		return false;
	if (++solver->n_dead_ends <= DEAD_ENDS_MAX)
		iov_buf_printf(&solver->dead_ends, "%s%s", solver->dead_ends.len ? "; " : "", text->data);
	return true;
}

void iov_resolve_tell_dead_end(struct solver *solver, size_t module)
{
	bool avoidable = has_choice(solver, module);
	if (solver->n_dead_ends > DEAD_ENDS_MAX || (avoidable && solver->clash.len))
		return;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t n_needs = tell_needs(solver, module, &text);
	iov_buf_puts(&text, ", but ");
	if (avoidable) {
		iov_buf_printf(&text, "'%s' %s is taken", name_of(solver, module), version_of(solver, module));
		iov_buf_puts(&solver->clash, iov_buf_failed(&text) ? "" : text.data);
		return;
	}
	tell_choices(solver, module, n_needs, &text);
	bool missing = !solver->modules[module].n_releases && !solver->modules[module].n_candidates;
	if (remember(solver, &text) && missing)
		solver->n_missing++;
}

void iov_resolve_tell_circle(struct solver *solver, size_t module, size_t other)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const char *name = name_of(solver, module);
	iov_buf_printf(&text,
		       "'%s' %s needs '%s', which leads back to '%s', but modules cannot need each other in a circle",
		       name, version_of(solver, module), name_of(solver, other), name);
	remember(solver, &text);
}

int iov_resolve_explain(struct solver *solver)
{
	const struct iov_buf *text = solver->n_dead_ends ? &solver->dead_ends : &solver->clash;
	if (iov_buf_failed(text) || !text->data)
		return iov_oom(solver->ctx);
	if (solver->n_missing && solver->n_missing == solver->n_dead_ends)
		return iov_error(solver->ctx, IOV_E_NOT_FOUND, "%s; check the name, or add the registry that has it",
				 text->data);
	return iov_error(solver->ctx, IOV_E_CONFLICT,
			 "no releases fit together: %s%s; ask for other versions, or remove what stands in the way",
			 text->data, solver->n_dead_ends > DEAD_ENDS_MAX ? "; and more like it" : "");
}
