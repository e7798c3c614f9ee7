#include "ops/edit.h"

#include <string.h>

#include "ops/groups.h"
#include "ops/moves.h"
#include "plan/make.h"
#include "state/generations.h"
#include "state/lock.h"
#include "transaction/transaction.h"
#include "util/cleanup.h"

int iov_edit_engine(struct iov_edit *edit)
{
	return edit->engine ? IOV_OK : iov_engine_kernel_new(edit->ctx, &edit->engine);
}

static int recover(struct iov_edit *edit)
{
	if (!iov_transaction_pending(edit->ctx))
		return IOV_OK;
	int rc = iov_edit_engine(edit);
	if (rc)
		return rc;
	iov_changing(edit->ctx, true);
	rc = iov_transaction_recover(edit->ctx, edit->engine);
	iov_changing(edit->ctx, false);
	return rc;
}

int iov_edit_lock(struct iov_ctx *ctx, unsigned flags, struct iov_edit *ret)
{
	*ret = (struct iov_edit){.ctx = ctx, .flags = flags, .lock = -1};
	return flags & IOV_DRY_RUN ? IOV_OK : iov_lock_take(ctx, &ret->lock);
}

int iov_edit_open(struct iov_edit *edit)
{
	int rc = edit->flags & IOV_DRY_RUN ? IOV_OK : recover(edit);
	if (!rc)
		rc = iov_generation_current(edit->ctx, &edit->from);
	return rc ? rc : iov_generation_copy(edit->ctx, edit->from, &edit->to);
}

int iov_edit_begin(struct iov_ctx *ctx, unsigned flags, struct iov_edit *ret)
{
	int rc = iov_edit_lock(ctx, flags, ret);
	return rc ? rc : iov_edit_open(ret);
}

int iov_edit_name(struct iov_edit *edit, const char *name)
{
	const char **more = realloc(edit->named, (edit->n_named + 1) * sizeof(*more));
	if (!more)
		return iov_oom(edit->ctx);
	edit->named = more;
	edit->named[edit->n_named++] = name;
	return IOV_OK;
}

static bool is_named(const struct iov_edit *edit, const char *name)
{
	for (size_t i = 0; i < edit->n_named; i++)
		if (!strcmp(edit->named[i], name))
			return true;
	return false;
}

/* Does the plan touch a module that the user did not name? Only then is there something to ask. */
static bool does_more_than_named(const struct iov_edit *edit, const struct iov_plan *plan)
{
	for (size_t i = 0; i < plan->n_releases; i++) {
		const struct iov_installed *one = plan->releases[i].new ? plan->releases[i].new : plan->releases[i].old;
		if (!is_named(edit, one->release->manifest->name))
			return true;
	}
	for (size_t i = 0; i < plan->n_instances; i++) {
		const struct iov_instance_change *one = &plan->instances[i];
		const struct iov_instance *instance = one->after ? one->after : one->before;
		if (one->change != IOV_KEEP && !is_named(edit, instance->name) && !is_named(edit, instance->module))
			return true;
	}
	return false;
}

static int confirm(struct iov_edit *edit, const struct iov_plan *plan, const json_t *document)
{
	const struct iov_config *config = &edit->ctx->config;
	if (!config->confirm || !does_more_than_named(edit, plan))
		return IOV_OK;
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(document);
	if (!text)
		return iov_oom(edit->ctx);
	if (!config->confirm(IOV_ASK_PLAN, text, config->data))
		return iov_error(edit->ctx, IOV_E_DECLINED, "nothing was changed, as you chose");
	return IOV_OK;
}

/* A host without instances before and after needs no kernel, so `install --no-load` works without root and in images.
 */
static int commit_records(struct iov_edit *edit)
{
	int rc = iov_generation_write(edit->ctx, edit->to);
	if (!rc)
		rc = iov_generation_commit(edit->ctx, edit->to->number);
	return rc ? rc : iov_generation_collect(edit->ctx);
}

static int carry_out(struct iov_edit *edit, const struct iov_plan *plan)
{
	if (!edit->from->n_instances && !edit->to->n_instances)
		return commit_records(edit);
	int rc = iov_edit_engine(edit);
	if (rc)
		return rc;
	iov_changing(edit->ctx, true);
	rc = iov_transaction_run(edit->ctx, edit->engine, plan);
	iov_changing(edit->ctx, false);
	return rc;
}

int iov_edit_finish(struct iov_edit *edit, char **ret_json)
{
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	unsigned flags = (edit->back ? IOV_PLAN_BACK : 0) | (edit->flags & IOV_LOSSY ? IOV_PLAN_LOSSY : 0);
	int rc = iov_groups_choose(edit);
	if (!rc)
		rc = iov_plan_make_with(edit->ctx, edit->from, edit->to, flags, &plan);
	if (rc)
		return rc;
	plan->no_health = edit->flags & IOV_NO_HEALTH;
	iov_auto(iov_json_release) json_t *document = iov_plan_json(plan);
	bool changed = edit->touched || !iov_plan_is_empty(plan);
	if (!document || json_object_set_new(document, "changed", json_boolean(changed)))
		return iov_oom(edit->ctx);
	rc = iov_moves_tell(edit->ctx, document);
	if (rc)
		return rc;
	if (changed && !(edit->flags & IOV_DRY_RUN)) {
		rc = confirm(edit, plan, document);
		if (!rc)
			rc = carry_out(edit, plan);
		if (rc)
			return rc;
	}
	return iov_answer(edit->ctx, iov_take(document), ret_json);
}

void iov_edit_release(struct iov_edit *edit)
{
	iov_engine_free(edit->engine);
	iov_generation_free(edit->to);
	iov_generation_free(edit->from);
	free(edit->named);
	iov_close_fd(&edit->lock);
}

int iov_answer(struct iov_ctx *ctx, json_t *json, char **ret_json)
{
	iov_auto(iov_json_release) json_t *document = json;
	if (!document)
		return iov_oom(ctx);
	if (!ret_json)
		return IOV_OK;
	char *text = iov_json_text(document);
	if (!text)
		return iov_oom(ctx);
	*ret_json = text;
	return IOV_OK;
}
