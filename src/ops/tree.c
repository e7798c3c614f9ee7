/* tree and why: which installed module needs which. Resolved modules never need each other in a circle. */
#include <string.h>

#include "ops/edit.h"
#include "state/generations.h"
#include "util/cleanup.h"

#define CHAINS_MAX 1000 /* more of them nobody reads; a lattice of 20 modules can have millions */

static bool is_needed(const struct iov_generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_installed; i++)
		if (iov_manifest_dependency(generation->installed[i].release->manifest, name))
			return true;
	return false;
}

static json_t *instances_of(const struct iov_generation *generation, const char *module)
{
	json_t *names = json_array();
	for (size_t i = 0; i < generation->n_instances; i++)
		if (!strcmp(generation->instances[i].module, module))
			json_array_append_new(names, json_string(generation->instances[i].name));
	return names;
}

/* ---- tree ---- */

static json_t *needs_of(const struct iov_generation *generation, const struct iov_manifest *manifest)
{
	json_t *needs = json_array();
	for (size_t i = 0; i < manifest->n_dependencies; i++) {
		const struct iov_dependency *one = &manifest->dependencies[i];
		const struct iov_installed *there = iov_generation_installed(generation, one->name);
		json_array_append_new(needs, json_pack("{s:s, s:s, s:s?}", "module", one->name, "requirement",
						       iov_requirement_text(one->requirement), "version",
						       there ? there->release->manifest->version.text : NULL));
	}
	return needs;
}

static json_t *module_json(const struct iov_generation *generation, const struct iov_installed *one)
{
	const struct iov_manifest *manifest = one->release->manifest;
	return json_pack("{s:s, s:s, s:b, s:b, s:s?, s:o, s:o}", "name", manifest->name, "version",
			 manifest->version.text, "wished", one->wished, "pinned", one->pinned, "requirement",
			 one->requirement, "instances", instances_of(generation, manifest->name), "needs",
			 needs_of(generation, manifest));
}

int iov_tree(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	int rc = iov_generation_current(ctx, &current);
	if (rc)
		return rc;
	json_t *roots = json_array();
	json_t *modules = json_array();
	for (size_t i = 0; i < current->n_installed; i++) {
		const struct iov_installed *one = &current->installed[i];
		const char *name = one->release->manifest->name;
		if (one->wished || !is_needed(current, name))
			json_array_append_new(roots, json_string(name));
		json_array_append_new(modules, module_json(current, one));
	}
	return iov_answer(ctx,
			  json_pack("{s:I, s:o, s:o}", "generation", (json_int_t)current->number, "roots", roots,
				    "modules", modules),
			  ret_json);
}

/* ---- why ---- */

/* The way up from the module that is asked about, and what it found. */
struct climb {
	const struct iov_generation *generation;
	const struct iov_installed **path; /* from the module upwards */
	size_t depth;
	json_t *chains;
	bool more, failed;
};

/* The path downwards, each link with what the one before asks for. */
static json_t *chain_json(const struct climb *climb)
{
	json_t *chain = json_array();
	const char *requirement = climb->path[climb->depth - 1]->requirement;
	for (size_t i = climb->depth; i-- > 0;) {
		const struct iov_manifest *manifest = climb->path[i]->release->manifest;
		json_array_append_new(chain, json_pack("{s:s, s:s, s:s?}", "module", manifest->name, "version",
						       manifest->version.text, "requirement", requirement));
		if (i)
			requirement = iov_requirement_text(
				iov_manifest_dependency(manifest, climb->path[i - 1]->release->manifest->name)
					->requirement);
	}
	return chain;
}

static void add_chain(struct climb *climb)
{
	if (json_array_size(climb->chains) == CHAINS_MAX)
		climb->more = true;
	else if (json_array_append_new(climb->chains, chain_json(climb)))
		climb->failed = true;
}

static void climb_from(struct climb *climb, const struct iov_installed *one)
{
	const struct iov_generation *generation = climb->generation;
	const char *name = one->release->manifest->name;
	if (climb->depth == generation->n_installed || climb->more)
		return;
	climb->path[climb->depth++] = one;
	if (one->wished || !is_needed(generation, name))
		add_chain(climb);
	for (size_t i = 0; i < generation->n_installed; i++)
		if (iov_manifest_dependency(generation->installed[i].release->manifest, name))
			climb_from(climb, &generation->installed[i]);
	climb->depth--;
}

static json_t *why_json(const struct climb *climb, const struct iov_installed *one)
{
	const struct iov_manifest *manifest = one->release->manifest;
	return json_pack("{s:s, s:s, s:b, s:o, s:O, s:b}", "module", manifest->name, "version", manifest->version.text,
			 "wished", one->wished, "instances", instances_of(climb->generation, manifest->name), "chains",
			 climb->chains, "more", climb->more);
}

int iov_why(struct iov_ctx *ctx, const char *name, char **ret_json)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_json_release) json_t *chains = json_array();
	int rc = iov_generation_current(ctx, &current);
	if (rc)
		return rc;
	const struct iov_installed *one = iov_generation_installed(current, name);
	if (!one)
		return iov_error(ctx, IOV_E_NOT_FOUND, "module '%s' is not installed; 'iovpkg list' shows what is",
				 name);
	iov_auto(iov_free_ptr) const struct iov_installed **path = calloc(current->n_installed, sizeof(*path));
	if (!path || !chains)
		return iov_oom(ctx);
	struct climb climb = {.generation = current, .path = path, .chains = chains};
	climb_from(&climb, one);
	return climb.failed ? iov_oom(ctx) : iov_answer(ctx, why_json(&climb, one), ret_json);
}
