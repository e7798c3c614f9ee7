#include "plan/sites.h"

#include <stdlib.h>
#include <string.h>

#include "core/groups.h"

static int add_site(struct iov_ctx *ctx, struct iov_instance_change *change, enum iov_change what,
		    const struct iov_installed *installed, const struct iov_instance *instance,
		    const struct iov_object_program *program)
{
	const struct iov_manifest *manifest = installed->release->manifest;
	const struct iov_program_spec *spec = iov_manifest_program(manifest, program->name);
	struct iov_site_change site = {.change = what,
				       .program = program->name,
				       .section = program->section,
				       .optional = spec && spec->optional};
	const char *target = spec && spec->target ? spec->target : "";
	int rc = iov_params_expand(ctx, manifest, instance->params, target, &site.target);
	if (!rc)
		change->sites[change->n_sites++] = site;
	return rc;
}

static int add_sites(struct iov_ctx *ctx, struct iov_instance_change *change, enum iov_change what,
		     const struct iov_installed *installed, const struct iov_instance *instance)
{
	const struct iov_object *object = installed->release->object;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < object->n_programs; i++)
		if (iov_program_runs(installed->release->manifest, &object->programs[i], instance->group))
			rc = add_site(ctx, change, what, installed, instance, &object->programs[i]);
	return rc;
}

static struct iov_site_change *find_same(struct iov_site_change *sites, size_t count,
					 const struct iov_site_change *site)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(sites[i].program, site->program) && !strcmp(sites[i].section, site->section) &&
		    !strcmp(sites[i].target, site->target))
			return &sites[i];
	return NULL;
}

/* The first `n_new` sites are those of the new release, the others those of the old: what is in both is one site that
 * runs on. */
static void merge(struct iov_instance_change *change, size_t n_new, enum iov_change in_both)
{
	size_t kept = n_new;
	for (size_t i = n_new; i < change->n_sites; i++) {
		struct iov_site_change *same = find_same(change->sites, n_new, &change->sites[i]);
		if (same) {
			same->change = in_both;
			free(change->sites[i].target);
		} else {
			change->sites[kept++] = change->sites[i];
		}
	}
	change->n_sites = kept;
}

int iov_plan_sites(struct iov_ctx *ctx, struct iov_instance_change *change)
{
	size_t most = (change->old ? change->old->release->object->n_programs : 0) +
		      (change->new ? change->new->release->object->n_programs : 0);
	change->sites = calloc(most + 1, sizeof(*change->sites));
	if (!change->sites)
		return iov_oom(ctx);
	int rc = change->new ? add_sites(ctx, change, IOV_LOAD, change->new, change->after) : IOV_OK;
	size_t n_new = change->n_sites;
	if (!rc && change->old)
		rc = add_sites(ctx, change, IOV_UNLOAD, change->old, change->before);
	if (!rc)
		merge(change, n_new, change->change);
	return rc;
}
