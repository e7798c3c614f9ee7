/*
 * Which group of `choose` an instance runs: the first that this kernel takes, which only the kernel knows, so each is
 * tried. That comes before the plan, which is made of what was chosen, and changes nothing.
 */
#include "core/groups.h"

#include <string.h>

#include "plan/sites.h"
#include "store/store.h"
#include "transaction/steps.h"
#include "util/buf.h"
#include "util/cleanup.h"

struct choosing {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct iov_instance *instance;
	const struct iov_installed *installed;
};

static const struct iov_manifest *manifest_of(const struct choosing *choosing)
{
	return choosing->installed->release->manifest;
}

/* ---- one group ---- */

static size_t sites_of_group(const struct choosing *choosing, const struct iov_instance_change *change,
			     struct iov_site *ret)
{
	size_t count = 0;
	for (size_t i = 0; i < change->n_sites; i++)
		if (iov_group_of(manifest_of(choosing), change->sites[i].program))
			ret[count++] = iov_change_site(change, &change->sites[i]);
	return count;
}

static int rehearse(const struct choosing *choosing, const struct iov_instance_change *change, const char **ret_program)
{
	const struct iov_instance *instance = change->after;
	iov_auto(iov_free_ptr) char *object = iov_store_object_path(choosing->ctx, change->new);
	iov_auto(iov_free_ptr) struct iov_site *sites = calloc(change->n_sites + 1, sizeof(*sites));
	const struct iov_engine_load load = {.instance = instance->name,
					     .release = change->new->release,
					     .object = object,
					     .params = instance->params,
					     .group = instance->group};
	if (!object || !sites)
		return iov_oom(choosing->ctx);
	size_t count = sites_of_group(choosing, change, sites);
	return choosing->engine->ops->rehearse(choosing->engine, &load, sites, count, ret_program);
}

static int try_group(const struct choosing *choosing, unsigned group, const char **ret_program)
{
	struct iov_instance as_if = *choosing->instance;
	as_if.group = group;
	iov_auto(iov_instance_change_release) struct iov_instance_change change = {
		.change = IOV_LOAD, .after = &as_if, .new = choosing->installed};
	int rc = iov_plan_sites(choosing->ctx, &change);
	return rc ? rc : rehearse(choosing, &change, ret_program);
}

/* A fact about this kernel and the group's own programs; with everything else no group would do better. */
static bool is_passed_over(const struct choosing *choosing, int code, const char *program)
{
	static const enum iov_code codes[] = {IOV_E_UNSUPPORTED, IOV_E_NOT_FOUND, IOV_E_REJECTED, IOV_E_PERMISSION};
	for (size_t i = 0; i < IOV_COUNT(codes); i++)
		if (codes[i] == (enum iov_code)code)
			return !program || iov_group_of(manifest_of(choosing), program);
	return false;
}

/* ---- one instance ---- */

static int none_runs(const struct choosing *choosing, const json_t *reasons)
{
	const struct iov_manifest *manifest = manifest_of(choosing);
	iov_auto(iov_buf_release) struct iov_buf list = {0};
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		iov_auto(iov_free_ptr) char *group = iov_group_text(manifest, (unsigned)i + 1);
		iov_buf_printf(&list, "\n  %s: %s", group ? group : "", json_string_value(reason));
	}
	if (iov_buf_failed(&list))
		return iov_oom(choosing->ctx);
	return iov_error(choosing->ctx, IOV_E_UNSUPPORTED,
			 "instance '%s': this kernel takes no group of 'choose' of %s %s; install a release for this "
			 "kernel, or boot a newer one%s",
			 choosing->instance->name, manifest->name, manifest->version.text, list.data);
}

static void tell(const struct choosing *choosing)
{
	const struct iov_instance *instance = choosing->instance;
	for (unsigned group = 1; group < instance->group; group++) {
		iov_auto(iov_free_ptr) char *text = iov_group_text(manifest_of(choosing), group);
		iov_note(choosing->ctx, "group %u of 'choose' of '%s' (%s) is passed over: %s", group, instance->name,
			 text ? text : "", json_string_value(json_array_get(instance->passed_over, group - 1)));
	}
}

/* The verifier quotes the source, which may be in any encoding. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	iov_auto(iov_free_ptr) char *plain = json ? NULL : strdup(text);
	for (char *at = plain; at && *at; at++)
		if (*at & 0x80)
			*at = '?';
	return plain ? json_string(plain) : json;
}

static int choose(const struct choosing *choosing)
{
	iov_auto(iov_json_release) json_t *reasons = json_array();
	size_t count = iov_groups_count(manifest_of(choosing));
	int rc = reasons ? choosing->engine->ops->prepare(choosing->engine) : iov_oom(choosing->ctx);
	if (rc)
		return rc;
	for (unsigned group = 1; group <= count; group++) {
		const char *program = NULL;
		rc = try_group(choosing, group, &program);
		if (!rc) {
			iov_group_take(choosing->instance, group, reasons);
			tell(choosing);
			return IOV_OK;
		}
		if (!is_passed_over(choosing, rc, program))
			return rc;
		if (json_array_append_new(reasons, text_json(iov_error_text(choosing->ctx))))
			return iov_oom(choosing->ctx);
	}
	return none_runs(choosing, reasons);
}

/* ---- all of a generation ---- */

typedef int (*choose_fn)(const struct choosing *choosing, const struct iov_generation *from,
			 const struct iov_generation *to);

static int each(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *from,
		struct iov_generation *to, choose_fn act)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < to->n_instances; i++) {
		struct iov_instance *instance = &to->instances[i];
		const struct choosing choosing = {.ctx = ctx,
						  .engine = engine,
						  .instance = instance,
						  .installed = iov_generation_installed(to, instance->module)};
		if (choosing.installed && iov_groups_count(manifest_of(&choosing)))
			rc = act(&choosing, from, to);
	}
	return rc;
}

/* What runs already with the same settings, this kernel has taken. */
static int keep_or_choose(const struct choosing *choosing, const struct iov_generation *from,
			  const struct iov_generation *to)
{
	const struct iov_instance *before = iov_group_before(from, to, choosing->instance);
	if (!before)
		return choose(choosing);
	iov_group_take(choosing->instance, before->group, before->passed_over);
	return IOV_OK;
}

int iov_transaction_choose(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *from,
			   struct iov_generation *to)
{
	return each(ctx, engine, from, to, keep_or_choose);
}

static void tell_other(const struct choosing *choosing, unsigned before)
{
	const struct iov_instance *now = choosing->instance;
	iov_auto(iov_free_ptr) char *old = iov_group_text(manifest_of(choosing), before);
	iov_auto(iov_free_ptr) char *new = iov_group_text(manifest_of(choosing), now->group);
	const char *reason = json_string_value(json_array_get(now->passed_over, before - 1));
	iov_warn(choosing->ctx, "instance '%s' runs %s now, in place of %s%s%s", now->name, new ? new : "",
		 old ? old : "", reason ? ": " : "", reason ? reason : "");
}

/* Where no group does, that the instance is left out shows when it is loaded. */
static int choose_again(const struct choosing *choosing, const struct iov_generation *from,
			const struct iov_generation *to)
{
	const struct iov_transaction t = {.ctx = choosing->ctx, .restoring = true};
	unsigned before = choosing->instance->group;
	(void)from, (void)to;
	int rc = choose(choosing);
	if (!rc && before && before != choosing->instance->group)
		tell_other(choosing, before);
	if (!rc || !iov_transaction_can_do_without(&t, rc, true))
		return rc;
	iov_note(choosing->ctx, "%s", iov_error_text(choosing->ctx));
	return IOV_OK;
}

static bool same_groups(const struct iov_generation *a, const struct iov_generation *b)
{
	for (size_t i = 0; i < a->n_instances; i++)
		if (a->instances[i].group != b->instances[i].group)
			return false;
	return true;
}

int iov_transaction_choose_again(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *from,
				 struct iov_generation **ret)
{
	iov_auto(iov_generation_release) struct iov_generation *to = NULL;
	int rc = iov_generation_copy(ctx, from, &to);
	if (!rc)
		rc = each(ctx, engine, from, to, choose_again);
	if (!rc && !same_groups(from, to))
		*ret = iov_take(to);
	return rc;
}
