/* Instances: is each loaded, is every program pinned, does every hook run it? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/diagnose.h"
#include "util/cleanup.h"
#include "util/fs.h"

static int not_attached(struct iov_diagnosis *diagnosis, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_free_ptr) char *link = NULL;
	const char *at = *site->target ? site->target : site->section;
	struct iov_saved_error saved = iov_error_save(diagnosis->ctx);
	if (diagnosis->engine->ops->check(diagnosis->engine, site))
		return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_NO_TARGET, site->instance, at,
					"program '%s' of '%s' runs nowhere: %s", site->program, site->instance,
					iov_error_text(diagnosis->ctx));
	iov_error_restore(diagnosis->ctx, saved);
	if (asprintf(&link, "%s/links/%s", dir, site->program) < 0)
		return iov_oom(diagnosis->ctx);
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_NOT_ATTACHED, site->instance, at,
				"program '%s' of '%s' is not attached to '%s': %s", site->program, site->instance, at,
				iov_fs_exists(link) ? "its link was detached by another tool, or its target came anew"
						    : "the pin of its link is gone");
}

/* An optional program that has no link may be one that this kernel never took. */
static bool may_be_absent(const struct iov_site_change *what, const char *dir)
{
	iov_auto(iov_free_ptr) char *link = NULL;
	return what->optional && asprintf(&link, "%s/links/%s", dir, what->program) > 0 && !iov_fs_exists(link);
}

static int compare_site(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one,
			const struct iov_site_change *what, const char *dir)
{
	struct iov_engine *engine = diagnosis->engine;
	const struct iov_site site = {.instance = one->after->name,
				      .program = what->program,
				      .section = what->section,
				      .target = what->target};
	struct iov_running running = {0};
	uint32_t pinned = 0;
	int rc = engine->ops->running(engine, &site, dir, &running);
	if (rc == IOV_E_UNSUPPORTED && what->optional)
		return IOV_OK;
	if (!rc)
		rc = engine->ops->program_id(engine, dir, what->program, &pinned);
	if (rc)
		return rc;
	if (!running.prog_id)
		return may_be_absent(what, dir) ? IOV_OK : not_attached(diagnosis, &site, dir);
	if (!pinned)
		return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_NO_PROGRAM, site.instance, dir,
					"program '%s' of '%s' runs, but is not pinned", site.program, site.instance);
	if (running.prog_id == pinned && running.armed)
		return iov_findings_add(
			diagnosis->ctx, &diagnosis->findings, IOV_FOUND_ARMED, site.instance,
			*site.target ? site.target : site.section,
			"the entry in front of program '%s' of '%s' is prepared for an upgrade, and none is "
			"under way",
			site.program, site.instance);
	if (running.prog_id == pinned)
		return IOV_OK;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_OTHER_PROGRAM, site.instance,
				*site.target ? site.target : site.section,
				"'%s' runs program %u where '%s' of '%s' is to run, which is program %u",
				*site.target ? site.target : site.section, running.prog_id, site.program, site.instance,
				pinned);
}

static int compare_instance(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one)
{
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&diagnosis->view, one->after->name);
	if (!dir)
		return iov_oom(diagnosis->ctx);
	if (!iov_fs_exists(dir))
		return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_NOT_LOADED, one->after->name,
					dir, "instance '%s' is not loaded", one->after->name);
	int rc = iov_diagnose_maps(diagnosis, one);
	for (size_t i = 0; !rc && i < one->n_sites; i++)
		rc = compare_site(diagnosis, one, &one->sites[i], dir);
	return rc;
}

static int compare_index(struct iov_diagnosis *diagnosis)
{
	const struct iov_generation *current = diagnosis->view.current;
	iov_auto(iov_free_ptr) char *path = iov_path(diagnosis->ctx, IOV_PINS "/index");
	uint64_t stored = 0;
	int rc = path ? diagnosis->engine->ops->stored(diagnosis->engine, &stored) : iov_oom(diagnosis->ctx);
	if (rc || !current->n_instances || stored == current->number)
		return rc;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_INDEX, "", path,
				"the generation index says %" PRIu64 ", and generation %" PRIu64 " is current", stored,
				current->number);
}

int iov_diagnose_instances(struct iov_diagnosis *diagnosis)
{
	const struct iov_plan *plan = diagnosis->view.plan;
	int rc = compare_index(diagnosis);
	for (size_t i = 0; !rc && i < plan->n_instances; i++)
		rc = compare_instance(diagnosis, &plan->instances[i]);
	return rc;
}
