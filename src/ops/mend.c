#include "ops/mend.h"

#include <stdio.h>
#include <string.h>

#include "ops/instances.h"
#include "store/store.h"
#include "transaction/own.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* ---- what is left over ---- */

static int detach_stray(struct iov_diagnosis *diagnosis, const struct iov_site *site, const char *dir)
{
	return diagnosis->engine->ops->detach(diagnosis->engine, site, dir);
}

static int remove_found(struct iov_diagnosis *now, const struct iov_finding *one)
{
	iov_auto(iov_free_ptr) char *staging = iov_tree_path(now->ctx, IOV_TREE_STAGING);
	if (!staging)
		return iov_oom(now->ctx);
	if (!strcmp(one->where, staging))
		return iov_own_remove_tree(now->engine, IOV_TREE_STAGING);
	return now->engine->ops->remove_tree(now->engine, one->where);
}

static int remove_strays(struct iov_diagnosis *now)
{
	int rc = now->view.plan ? iov_diagnose_old_sites(now, detach_stray) : IOV_OK;
	for (size_t i = 0; !rc && i < now->findings.count; i++) {
		const struct iov_finding *one = &now->findings.items[i];
		if (one->kind == IOV_FOUND_STRAY_TREE || one->kind == IOV_FOUND_STRAY_INSTANCE)
			rc = remove_found(now, one);
	}
	return rc;
}

/* ---- in place: maps and programs whose pins were lost, hooks that run something else ---- */

/* The id of the map that the programs of an instance use under this name; 0: none does. */
static int used_map(struct iov_diagnosis *now, const struct iov_instance_change *one, const char *map, uint32_t *ret)
{
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&now->view, one->after->name);
	const struct iov_object *object = one->new->release->object;
	int rc = dir ? IOV_OK : iov_oom(now->ctx);
	for (size_t i = 0; !rc && i < object->n_programs; i++) {
		iov_auto(iov_pinned_release) struct iov_pinned pinned = {0};
		iov_auto(iov_free_ptr) char *pin = NULL;
		if (asprintf(&pin, "%s/progs/%s", dir, object->programs[i].name) < 0)
			return iov_oom(now->ctx);
		rc = now->engine->ops->inspect(now->engine, pin, &pinned);
		for (size_t m = 0; m < pinned.n_maps; m++)
			if (iov_diagnose_is_map(pinned.maps[m].name, map))
				*ret = pinned.maps[m].id;
	}
	return rc;
}

/* The name under which an instance uses the map that another exports as `map`; NULL: it does not. */
static const char *name_at(const struct iov_instance_change *one, const char *provider, const char *map)
{
	const struct iov_manifest *manifest = one->new->release->manifest;
	for (size_t i = 0; i < manifest->n_imports; i++) {
		const struct iov_import_spec *spec = &manifest->imports[i];
		const char *from = json_string_value(json_object_get(one->after->imports, spec->map));
		if (from && !strcmp(from, provider) && !strcmp(spec->source, map))
			return spec->map;
	}
	return NULL;
}

/* The provider's own programs know best; else its importers'. */
static int map_in_use(struct iov_diagnosis *now, const struct iov_instance_change *holder, const char *map,
		      uint32_t *ret)
{
	const struct iov_plan *plan = now->view.plan;
	int rc = used_map(now, holder, map, ret);
	for (size_t i = 0; !rc && !*ret && i < plan->n_instances; i++) {
		const char *name = name_at(&plan->instances[i], holder->after->name, map);
		if (name)
			rc = used_map(now, &plan->instances[i], name, ret);
	}
	return rc;
}

static bool is_found_at(const struct iov_findings *findings, const char *where)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct iov_finding *one = &findings->items[i];
		if ((one->kind == IOV_FOUND_NO_MAP || one->kind == IOV_FOUND_OTHER_MAP) && !strcmp(one->where, where))
			return true;
	}
	return false;
}

static int pin_again(struct iov_diagnosis *now, const struct iov_instance_change *one)
{
	const struct iov_object *object = one->new->release->object;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < object->n_maps; i++) {
		uint32_t id = 0;
		iov_auto(iov_free_ptr) char *pin = iov_diagnose_map_pin(now, one, object->maps[i].name);
		if (!pin)
			return iov_oom(now->ctx);
		if (iov_manifest_import(one->new->release->manifest, object->maps[i].name) ||
		    !is_found_at(&now->findings, pin))
			continue;
		rc = map_in_use(now, one, object->maps[i].name, &id);
		if (!rc && id)
			rc = now->engine->ops->pin_id(now->engine, IOV_PINNED_MAP, id, pin);
	}
	return rc;
}

/* A hook that is attached runs the pinned program again, by one step of its own. */
static int run_pinned(struct iov_diagnosis *now, const struct iov_site *site, const char *dir,
		      const struct iov_running *running)
{
	uint32_t pinned = 0;
	int rc = now->engine->ops->program_id(now->engine, dir, site->program, &pinned);
	bool attached = running->prog_id || running->link_id;
	if (rc || !pinned || !attached || (running->prog_id == pinned && !running->armed))
		return rc;
	return now->engine->ops->swap(now->engine, site, dir);
}

/* The program that a hook runs, where its pin is gone. */
static int mend_site(struct iov_diagnosis *now, const struct iov_instance_change *one,
		     const struct iov_site_change *what)
{
	const struct iov_site site = {.instance = one->after->name,
				      .program = what->program,
				      .section = what->section,
				      .target = what->target};
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(&now->view, one->after->name);
	iov_auto(iov_free_ptr) char *pin = NULL;
	struct iov_running running = {0};
	if (!dir || asprintf(&pin, "%s/progs/%s", dir, what->program) < 0)
		return iov_oom(now->ctx);
	if (now->engine->ops->running(now->engine, &site, dir, &running))
		return IOV_OK; /* told already */
	if (iov_fs_exists(pin) || !running.prog_id)
		return run_pinned(now, &site, dir, &running);
	return now->engine->ops->pin_id(now->engine, IOV_PINNED_PROGRAM, running.prog_id, pin);
}

static int mend_in_place(struct iov_diagnosis *now)
{
	const struct iov_plan *plan = now->view.plan;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && plan && i < plan->n_instances; i++) {
		for (size_t s = 0; !rc && s < plan->instances[i].n_sites; s++)
			rc = mend_site(now, &plan->instances[i], &plan->instances[i].sites[s]);
		if (!rc)
			rc = pin_again(now, &plan->instances[i]);
	}
	return rc;
}

/* ---- instances ---- */

static bool needs_renewal(const struct iov_findings *findings, const char *instance)
{
	bool needs = false;
	for (size_t i = 0; i < findings->count; i++) {
		const struct iov_finding *one = &findings->items[i];
		if (strcmp(one->subject, instance) != 0)
			continue;
		if (one->kind == IOV_FOUND_NO_TARGET)
			return false; /* it would fail, and take the others' repair along */
		needs = needs || iov_finding_mend(one) == IOV_MEND_RENEW;
	}
	return needs;
}

/* A provider that may come up with other maps takes its importers along. */
static bool provider_loses_maps(const struct iov_findings *findings, const struct iov_instance *instance)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct iov_finding *one = &findings->items[i];
		if ((one->kind == IOV_FOUND_NOT_LOADED || one->kind == IOV_FOUND_NO_MAP ||
		     one->kind == IOV_FOUND_OTHER_MAP) &&
		    iov_instance_imports_from(instance, one->subject))
			return true;
	}
	return false;
}

static int renew(struct iov_edit *edit, const struct iov_findings *findings)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < edit->to->n_instances; i++) {
		struct iov_instance *one = &edit->to->instances[i];
		if (!needs_renewal(findings, one->name) && !provider_loses_maps(findings, one))
			continue;
		one->renewed = edit->to->number;
		rc = iov_edit_name(edit, one->name);
	}
	return rc;
}

/* Another compiler than the one of then makes another object, which then has another key. */
static int build_again(struct iov_edit *edit)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < edit->to->n_installed; i++) {
		struct iov_installed *one = &edit->to->installed[i];
		if (!*one->object || iov_store_has(edit->ctx, one->object))
			continue;
		rc = iov_store_object(edit->ctx, one->release, one->object);
		if (!rc)
			rc = iov_edit_name(edit, one->release->manifest->name);
	}
	return rc;
}

/* What one step mends; each can be repeated, and none changes what the generation says. */
static int mend_steps(struct iov_edit *edit)
{
	iov_auto(iov_diagnosis_release) struct iov_diagnosis now = {0};
	int rc = iov_diagnose(edit->ctx, edit->engine, &now);
	if (!rc)
		rc = remove_strays(&now);
	if (!rc && iov_findings_need(&now.findings, IOV_MEND_INDEX))
		rc = edit->engine->ops->store(edit->engine, edit->from->number);
	return rc ? rc : mend_in_place(&now);
}

/* What is left asks for a transaction. */
static int mend_instances(struct iov_edit *edit)
{
	iov_auto(iov_diagnosis_release) struct iov_diagnosis now = {0};
	int rc = iov_diagnose(edit->ctx, edit->engine, &now);
	if (!rc)
		rc = renew(edit, &now.findings);
	return rc ? rc : iov_edit_finish(edit, NULL);
}

int iov_mend(struct iov_edit *edit, const struct iov_findings *found)
{
	int rc = iov_findings_need(found, IOV_MEND_STORE) ? iov_mend_store(edit->ctx, found) : IOV_OK;
	if (!rc)
		rc = iov_edit_open(edit);
	if (!rc)
		rc = build_again(edit);
	if (!rc)
		rc = mend_steps(edit);
	return rc ? rc : mend_instances(edit);
}
