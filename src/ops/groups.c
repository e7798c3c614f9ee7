#include "ops/groups.h"

#include <string.h>

#include "check/against.h"
#include "core/groups.h"
#include "transaction/transaction.h"
#include "util/cleanup.h"

/* One instance of a dry run. */
struct guess {
	struct iov_ctx *ctx;
	const struct iov_release *release;
	json_t *reasons; /* of iov_check_against(); NULL: nobody can tell */
};

static json_t *text_of_hook(const struct guess *guess, unsigned group)
{
	const struct iov_object *object = guess->release->object;
	for (size_t i = 0; i < object->n_programs; i++) {
		const struct iov_hook *hook = NULL;
		const struct iov_object_program *program = &object->programs[i];
		if (iov_group_of(guess->release->manifest, program->name) == group &&
		    iov_hook_find(guess->ctx, program->section, &hook))
			return json_string(iov_error_text(guess->ctx));
	}
	return NULL;
}

static json_t *text_of_fact(const struct guess *guess, unsigned group)
{
	size_t i;
	json_t *reason;
	json_array_foreach(guess->reasons, i, reason) {
		const char *program = json_string_value(json_object_get(reason, "program"));
		const char *verdict = json_string_value(json_object_get(reason, "verdict"));
		if (program && iov_group_of(guess->release->manifest, program) == group &&
		    !strcmp(verdict, iov_verdict_word(IOV_FAILS)))
			return json_incref(json_object_get(reason, "text"));
	}
	return NULL;
}

/* A new reference; NULL: nothing is known against it. */
static json_t *reason_against(const struct guess *guess, unsigned group)
{
	json_t *text = text_of_hook(guess, group);
	return text ? text : text_of_fact(guess, group);
}

/* Where no group is likely, the first is as good as any. */
static int guess_group(const struct guess *guess, struct iov_instance *instance)
{
	iov_auto(iov_json_release) json_t *none = json_array();
	iov_auto(iov_json_release) json_t *passed_over = json_array();
	size_t count = iov_groups_count(guess->release->manifest);
	if (!none || !passed_over)
		return iov_oom(guess->ctx);
	for (unsigned group = 1; group <= count; group++) {
		json_t *text = reason_against(guess, group);
		if (!text) {
			iov_group_take(instance, group, passed_over);
			return IOV_OK;
		}
		if (json_array_append_new(passed_over, text))
			return iov_oom(guess->ctx);
	}
	iov_group_take(instance, 1, none);
	return IOV_OK;
}

static int ask_facts(struct iov_ctx *ctx, const struct iov_release *release, json_t **ret)
{
	iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
	enum iov_verdict verdict;
	int rc = iov_kernel_types(ctx, &kernel);
	if (!rc)
		rc = iov_kernel_try(ctx, release->object, &kernel);
	return rc ? rc : iov_check_against(ctx, release->object, release->manifest, &kernel, NULL, &verdict, ret);
}

/* What cannot be asked now is no reason for a dry run to fail. */
static int guess_instance(struct iov_edit *edit, const struct iov_release *release, struct iov_instance *instance)
{
	iov_auto(iov_json_release) json_t *answer = NULL;
	struct iov_saved_error saved = iov_error_save(edit->ctx);
	if (release->object->facts)
		ask_facts(edit->ctx, release, &answer);
	const struct guess guess = {
		.ctx = edit->ctx, .release = release, .reasons = json_object_get(answer, "reasons")};
	int rc = guess_group(&guess, instance);
	if (!rc)
		iov_error_restore(edit->ctx, saved);
	return rc;
}

static int guess_groups(struct iov_edit *edit)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < edit->to->n_instances; i++) {
		struct iov_instance *instance = &edit->to->instances[i];
		const struct iov_installed *installed = iov_generation_installed(edit->to, instance->module);
		const struct iov_instance *before = iov_group_before(edit->from, edit->to, instance);
		if (!installed || !iov_groups_count(installed->release->manifest))
			continue;
		if (before)
			iov_group_take(instance, before->group, before->passed_over);
		else
			rc = guess_instance(edit, installed->release, instance);
	}
	return rc;
}

int iov_groups_choose(struct iov_edit *edit)
{
	if (edit->flags & IOV_DRY_RUN)
		return guess_groups(edit);
	int rc = iov_edit_engine(edit);
	return rc ? rc : iov_transaction_choose(edit->ctx, edit->engine, edit->from, edit->to);
}
