/* doctor: the differences between the current generation, the disk and the kernel; and mending them. */
#include "ops/diagnose.h"
#include "ops/edit.h"
#include "ops/mend.h"
#include "util/cleanup.h"

/* What was found first and is not found any more. */
static json_t *mended(const struct iov_findings *before, const struct iov_findings *after)
{
	struct iov_findings gone = {.items = calloc(before->count + 1, sizeof(*gone.items))};
	for (size_t i = 0; gone.items && i < before->count; i++)
		if (!iov_findings_have(after, &before->items[i]))
			gone.items[gone.count++] = before->items[i]; /* borrowed */
	json_t *json = gone.items ? iov_findings_json(&gone) : NULL;
	free(gone.items);
	return json;
}

static int answer(struct iov_ctx *ctx, const struct iov_diagnosis *before, const struct iov_diagnosis *after,
		  char **ret_json)
{
	const struct iov_generation *current = after->view.current;
	json_t *generation = current ? json_integer((json_int_t)current->number) : json_null();
	return iov_answer(ctx,
			  json_pack("{s:o, s:b, s:o, s:o}", "generation", generation, "clean",
				    iov_findings_are_clean(&after->findings), "findings",
				    iov_findings_json(&after->findings), "mended",
				    mended(&before->findings, &after->findings)),
			  ret_json);
}

int iov_doctor(struct iov_ctx *ctx, bool fix, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	iov_auto(iov_diagnosis_release) struct iov_diagnosis before = {0};
	iov_auto(iov_diagnosis_release) struct iov_diagnosis after = {0};
	int rc = iov_edit_lock(ctx, 0, &edit);
	if (!rc)
		rc = iov_edit_engine(&edit);
	if (!rc)
		rc = iov_diagnose(ctx, edit.engine, &before);
	if (!rc && !(fix && !iov_findings_are_clean(&before.findings)))
		return answer(ctx, &before, &before, ret_json);
	if (!rc)
		rc = iov_mend(&edit, &before.findings);
	if (!rc)
		rc = iov_diagnose(ctx, edit.engine, &after);
	return rc ? rc : answer(ctx, &before, &after, ret_json);
}
