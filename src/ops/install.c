/* install and upgrade: releases come, instances follow them. */
#include <string.h>

#include "ops/instances.h"
#include "ops/obtain.h"
#include "util/cleanup.h"

/* Installed already, and in a version that fits? Then no registry needs to be asked. */
static bool is_met(const struct iov_generation *generation, const struct iov_wished *wish)
{
	const struct iov_installed *installed = iov_generation_installed(generation, wish->name);
	return installed && (!wish->requirement ||
			     iov_requirement_matches(wish->requirement, &installed->release->manifest->version));
}

static bool all_met(const struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++) {
		const struct iov_installed *installed = iov_generation_installed(edit->from, wishes->items[i].name);
		if (!is_met(edit->from, &wishes->items[i]) || !installed->wished || wishes->items[i].text)
			return false;
	}
	return true;
}

static int name_all(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++) {
		int rc = iov_edit_name(edit, wishes->items[i].name);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int install(struct iov_edit *edit, const struct iov_wished_list *wishes, const char *alias,
		   struct iov_settings settings)
{
	int rc = name_all(edit, wishes);
	if (!rc && !all_met(edit, wishes))
		rc = iov_obtain(edit, (struct iov_choose){.wishes = wishes});
	if (!rc)
		rc = iov_instances_refresh(edit);
	for (size_t i = 0; !rc && !(edit->flags & IOV_NO_LOAD) && i < wishes->count; i++) {
		const char *name = wishes->items[i].name;
		rc = iov_instance_want(edit, name, alias ? alias : name, settings, true);
	}
	if (!rc)
		iov_instances_tidy(edit);
	return rc;
}

int iov_install(struct iov_ctx *ctx, const char *const *wishes, size_t count, const char *alias,
		struct iov_settings settings, unsigned flags, char **ret_json)
{
	if (alias && count != 1)
		return iov_error(ctx, IOV_E_USAGE,
				 "an alias names one instance, but %zu modules were given; install them one by one",
				 count);
	iov_auto(iov_wished_release) struct iov_wished_list wished = {0};
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_wished_parse(ctx, wishes, count, &wished);
	if (!rc)
		rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc && alias)
		rc = iov_edit_name(&edit, alias);
	if (!rc)
		rc = install(&edit, &wished, alias, settings);
	return rc ? rc : iov_edit_finish(&edit, ret_json);
}

static int must_be_installed(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (!iov_generation_installed(edit->from, wishes->items[i].name))
			return iov_error(edit->ctx, IOV_E_NOT_FOUND,
					 "module '%s' is not installed; 'iovpkg list' shows what is",
					 wishes->items[i].name);
	return IOV_OK;
}

/* Only modules that were wished for have a wish to renew; a dependency named here is moved, not promoted. */
static void forget_new_wishes(struct iov_edit *edit)
{
	for (size_t i = 0; i < edit->to->n_installed; i++) {
		struct iov_installed *now = &edit->to->installed[i];
		const struct iov_installed *was = iov_generation_installed(edit->from, now->release->manifest->name);
		if (!was || was->wished || !now->wished || strcmp(now->requirement, "*") != 0)
			continue;
		now->wished = false;
		free(now->requirement);
		now->requirement = NULL;
	}
}

/* Who names what is pinned has forgotten the pin. */
static int refuse_pinned(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++) {
		const struct iov_installed *one = iov_generation_installed(edit->from, wishes->items[i].name);
		if (one && one->pinned)
			return iov_error(edit->ctx, IOV_E_CONFLICT,
					 "module '%s' is pinned to %s; let it go first with 'iovpkg unpin %s'",
					 wishes->items[i].name, one->release->manifest->version.text,
					 wishes->items[i].name);
	}
	return IOV_OK;
}

static int refuse_requirements(struct iov_ctx *ctx, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (wishes->items[i].text)
			return iov_error(ctx, IOV_E_USAGE,
					 "'%s@%s': --latest looks for the newest version itself; leave '@%s' or "
					 "--latest out",
					 wishes->items[i].name, wishes->items[i].text, wishes->items[i].text);
	return IOV_OK;
}

static int upgrade(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	int rc = must_be_installed(edit, wishes);
	if (!rc)
		rc = refuse_pinned(edit, wishes);
	if (!rc)
		rc = name_all(edit, wishes);
	if (!rc)
		rc = iov_obtain(edit, (struct iov_choose){.wishes = wishes,
							  .unlock_all = wishes->count == 0,
							  .unlock_wishes = true,
							  .latest = edit->flags & IOV_LATEST});
	if (rc)
		return rc;
	forget_new_wishes(edit);
	rc = iov_instances_refresh(edit);
	if (!rc)
		iov_instances_tidy(edit);
	return rc;
}

int iov_upgrade(struct iov_ctx *ctx, const char *const *wishes, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_wished_release) struct iov_wished_list wished = {0};
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_wished_parse(ctx, wishes, count, &wished);
	if (!rc && flags & IOV_LATEST)
		rc = refuse_requirements(ctx, &wished);
	if (!rc)
		rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc)
		rc = upgrade(&edit, &wished);
	return rc ? rc : iov_edit_finish(&edit, ret_json);
}
