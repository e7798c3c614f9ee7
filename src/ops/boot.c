/* The two ends of a host's time: restore brings up what should run, save keeps what must survive. */
#include <string.h>

#include "ops/edit.h"
#include "ops/view.h"
#include "state/generations.h"
#include "state/lock.h"
#include "transaction/transaction.h"
#include "transaction/tree.h"
#include "util/cleanup.h"

static void free_engine(struct iov_engine **engine)
{
	iov_engine_free(*engine);
}

/* ---- restore ---- */

/* What a transaction warns of while it brings a host up is what was left out, and why; the caller hears it too. */
struct listening {
	struct iov_config before;
	json_t *warnings;
};

static void listen_to(const struct iov_event *event, void *data)
{
	const struct listening *listening = data;
	if (event->kind == IOV_EVENT_WARNING)
		json_array_append_new(listening->warnings, json_string(event->text));
	if (listening->before.event)
		listening->before.event(event, listening->before.data);
}

static int recover(struct iov_ctx *ctx, struct iov_engine *engine, json_t *warnings)
{
	struct listening listening = {.before = ctx->config, .warnings = warnings};
	ctx->config.event = listen_to;
	ctx->config.data = &listening;
	int rc = iov_transaction_recover(ctx, engine);
	ctx->config = listening.before;
	return rc;
}

static int site_is_up(const struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
		      const struct iov_site_change *site, bool *ret)
{
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(view, one->after->name);
	const struct iov_site place = {.instance = one->after->name,
				       .program = site->program,
				       .section = site->section,
				       .target = site->target};
	struct iov_running running = {0};
	int rc = dir ? engine->ops->running(engine, &place, dir, &running) : iov_oom(view->ctx);
	*ret = !rc && running.prog_id;
	return rc == IOV_E_UNSUPPORTED || rc == IOV_E_NOT_FOUND ? IOV_OK : rc;
}

/* The hooks of an instance that is loaded where nothing runs, but for those that may be missing. */
static int hooks_down(const struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
		      json_t *ret)
{
	for (size_t i = 0; i < one->n_sites; i++) {
		const struct iov_site_change *site = &one->sites[i];
		bool up = true;
		int rc = site->optional ? IOV_OK : site_is_up(view, engine, one, site, &up);
		if (rc)
			return rc;
		if (!up && json_array_append_new(ret, json_pack("{s:s, s:s, s:s}", "program", site->program, "section",
								site->section, "target", site->target)))
			return iov_oom(view->ctx);
	}
	return IOV_OK;
}

static int instance_json(const struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
			 bool *ret_up, json_t **ret)
{
	iov_auto(iov_json_release) json_t *down = json_array();
	bool loaded = iov_tree_has(view->ctx, IOV_TREE_LIVE, one->after->name);
	if (!down)
		return iov_oom(view->ctx);
	int rc = loaded ? hooks_down(view, engine, one, down) : IOV_OK;
	if (rc)
		return rc;
	*ret_up = loaded && !json_array_size(down);
	*ret = json_pack("{s:s, s:s, s:s, s:b, s:b, s:O}", "instance", one->after->name, "module", one->after->module,
			 "version", one->new->release->manifest->version.text, "up", *ret_up, "loaded", loaded,
			 "hooks_down", down);
	return *ret ? IOV_OK : iov_oom(view->ctx);
}

static int answer(const struct iov_view *view, struct iov_engine *engine, bool changed, json_t *warnings,
		  char **ret_json)
{
	iov_auto(iov_json_release) json_t *instances = json_array();
	bool complete = true;
	for (size_t i = 0; i < view->plan->n_instances; i++) {
		bool up = false;
		json_t *one = NULL;
		int rc = instance_json(view, engine, &view->plan->instances[i], &up, &one);
		if (rc)
			return rc;
		complete &= up;
		if (json_array_append_new(instances, one))
			return iov_oom(view->ctx);
	}
	return iov_answer(view->ctx,
			  json_pack("{s:I, s:b, s:b, s:O, s:O}", "generation", (json_int_t)view->current->number,
				    "changed", changed, "complete", complete, "instances", instances, "warnings",
				    warnings),
			  ret_json);
}

int iov_restore(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_close_fd) int lock = -1;
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(iov_view_release) struct iov_view view = {0};
	iov_auto(iov_json_release) json_t *warnings = json_array();
	int rc = warnings ? iov_lock_take(ctx, &lock) : iov_oom(ctx);
	if (!rc)
		rc = iov_engine_kernel_new(ctx, &engine);
	bool pending = !rc && iov_transaction_pending(ctx);
	if (pending)
		rc = recover(ctx, engine, warnings);
	if (!rc)
		rc = iov_view_open(ctx, &view);
	return rc ? rc : answer(&view, engine, pending, warnings, ret_json);
}

/* ---- save ---- */

int iov_save(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_close_fd) int lock = -1;
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_json_release) json_t *maps = json_array();
	int rc = maps ? iov_lock_take(ctx, &lock) : iov_oom(ctx);
	if (!rc)
		rc = iov_engine_kernel_new(ctx, &engine);
	/* A host that is down stays down: what it saved before is the newest there is. */
	if (!rc && iov_tree_exists(ctx, IOV_TREE_LIVE) && iov_transaction_pending(ctx))
		rc = iov_transaction_recover(ctx, engine);
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc && iov_tree_holds(ctx, IOV_TREE_LIVE, current->number))
		rc = iov_transaction_save(ctx, engine, current, maps);
	if (rc)
		return rc;
	return iov_answer(ctx, json_pack("{s:I, s:O}", "generation", (json_int_t)current->number, "maps", maps),
			  ret_json);
}
