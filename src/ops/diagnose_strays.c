/* What is left over: trees and pins that the generation does not have, filters with our mark, and what is not ours. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/diagnose.h"
#include "plan/make.h"
#include "state/generations.h"
#include "transaction/own.h"
#include "transaction/tree.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct names {
	char **items;
	size_t count;
};

static void release_names(struct names *names)
{
	iov_fs_names_free(names->items, names->count);
}

/* A missing folder is empty. */
static void list(const char *path, struct names *ret)
{
	if (iov_fs_names(path, &ret->items, &ret->count))
		*ret = (struct names){0};
}

static int not_ours(struct iov_ctx *ctx, const char *path, void *data)
{
	struct iov_diagnosis *diagnosis = data;
	return iov_findings_add(ctx, &diagnosis->findings, IOV_FOUND_NOT_OURS, "", path,
				"'%s' was put there by another tool", path);
}

/* Beside the trees there is nothing of ours. */
static int look_beside_trees(struct iov_diagnosis *diagnosis)
{
	iov_auto(iov_free_ptr) char *pins = iov_path(diagnosis->ctx, IOV_PINS);
	iov_auto(release_names) struct names names = {0};
	int rc = pins ? IOV_OK : iov_oom(diagnosis->ctx);
	if (!rc)
		list(pins, &names);
	for (size_t i = 0; !rc && i < names.count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", pins, names.items[i]);
		if (iov_buf_failed(&path))
			return iov_oom(diagnosis->ctx);
		if (!iov_own_is_top(names.items[i]))
			rc = not_ours(diagnosis->ctx, path.data, diagnosis);
	}
	return rc;
}

static int look_at_staging(struct iov_diagnosis *diagnosis)
{
	iov_auto(iov_free_ptr) char *path = iov_tree_path(diagnosis->ctx, IOV_TREE_STAGING);
	iov_auto(iov_free_ptr) char *journal = iov_path(diagnosis->ctx, IOV_STATE "/journal");
	if (!path || !journal)
		return iov_oom(diagnosis->ctx);
	if (!iov_fs_exists(path) || iov_fs_exists(journal))
		return IOV_OK;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_STRAY_TREE, "", path,
				"'%s' is there, but no change is under way", path);
}

static bool is_current_mark(const struct iov_generation *current, const char *name)
{
	char mark[48];
	snprintf(mark, sizeof(mark), "generation_%" PRIu64, current->number);
	return !current->n_instances || !strcmp(mark, name);
}

static int look_at(struct iov_diagnosis *diagnosis, const char *path, const char *name)
{
	const struct iov_generation *current = diagnosis->view.current;
	if (iov_own_is_mark(name) && !is_current_mark(current, name))
		return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_STRAY_TREE, "", path,
					"'%s' marks another generation than %" PRIu64, path, current->number);
	if (iov_own_is_mark(name) || iov_generation_instance(current, name) || !iov_own_is_instance(path))
		return IOV_OK;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_STRAY_INSTANCE, name, path,
				"'%s' has the pins of instance '%s', which generation %" PRIu64 " does not have", path,
				name, current->number);
}

static int look_at_live(struct iov_diagnosis *diagnosis)
{
	iov_auto(iov_free_ptr) char *live = iov_tree_path(diagnosis->ctx, IOV_TREE_LIVE);
	iov_auto(release_names) struct names names = {0};
	if (!live)
		return iov_oom(diagnosis->ctx);
	list(live, &names);
	int rc = iov_own_each_foreign(diagnosis->ctx, live, not_ours, diagnosis);
	for (size_t i = 0; !rc && i < names.count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", live, names.items[i]);
		if (iov_buf_failed(&path))
			return iov_oom(diagnosis->ctx);
		rc = look_at(diagnosis, path.data, names.items[i]);
	}
	return rc;
}

/* ---- filters: found by a mark that is made of instance and program, so we ask for those of older generations ---- */

static bool is_current_site(const struct iov_plan *plan, const char *instance, const struct iov_site_change *site)
{
	for (size_t i = 0; i < plan->n_instances; i++) {
		const struct iov_instance_change *one = &plan->instances[i];
		for (size_t s = 0; !strcmp(one->after->name, instance) && s < one->n_sites; s++)
			if (!strcmp(one->sites[s].program, site->program) &&
			    !strcmp(one->sites[s].target, site->target))
				return true;
	}
	return false;
}

static int visit_site(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one,
		      const struct iov_site_change *what, iov_diagnose_act act)
{
	struct iov_running running = {0};
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&diagnosis->view, one->after->name);
	const struct iov_site site = {.instance = one->after->name,
				      .program = what->program,
				      .section = what->section,
				      .target = what->target};
	if (!dir)
		return iov_oom(diagnosis->ctx);
	if (is_current_site(diagnosis->view.plan, site.instance, what) ||
	    diagnosis->engine->ops->running(diagnosis->engine, &site, dir, &running) || !running.prog_id ||
	    running.link_id)
		return IOV_OK; /* what a link holds is there by its pin */
	return act(diagnosis, &site, dir);
}

static int visit_generation(struct iov_diagnosis *diagnosis, uint64_t number, iov_diagnose_act act)
{
	const struct iov_generation nothing = {0};
	iov_auto(iov_generation_release) struct iov_generation *generation = NULL;
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	if (iov_generation_read(diagnosis->ctx, number, &generation) ||
	    iov_plan_make(diagnosis->ctx, &nothing, generation, &plan))
		return IOV_OK; /* nothing can be said of it */
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < plan->n_instances; i++)
		for (size_t s = 0; !rc && s < plan->instances[i].n_sites; s++)
			rc = visit_site(diagnosis, &plan->instances[i], &plan->instances[i].sites[s], act);
	return rc;
}

int iov_diagnose_old_sites(struct iov_diagnosis *diagnosis, iov_diagnose_act act)
{
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	int rc = iov_generation_numbers(diagnosis->ctx, &numbers, &count);
	for (size_t i = 0; !rc && i < count; i++)
		if (numbers[i] != diagnosis->view.current->number)
			rc = visit_generation(diagnosis, numbers[i], act);
	return rc;
}

static int still_attached(struct iov_diagnosis *diagnosis, const struct iov_site *site, const char *dir)
{
	(void)dir;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_STRAY_ATTACHED, site->instance,
				site->target, "program '%s' of '%s' is still attached to '%s'", site->program,
				site->instance, site->target);
}

int iov_diagnose_strays(struct iov_diagnosis *diagnosis)
{
	int rc = look_beside_trees(diagnosis);
	if (!rc)
		rc = look_at_staging(diagnosis);
	if (!rc)
		rc = look_at_live(diagnosis);
	return rc ? rc : iov_diagnose_old_sites(diagnosis, still_attached);
}
