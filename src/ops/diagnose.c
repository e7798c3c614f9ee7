#include "ops/diagnose.h"

#include <inttypes.h>

#include "transaction/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

static int look_at_journal(struct iov_diagnosis *diagnosis)
{
	iov_auto(iov_free_ptr) char *path = iov_path(diagnosis->ctx, IOV_STATE "/journal");
	if (!path)
		return iov_oom(diagnosis->ctx);
	if (!iov_fs_exists(path))
		return IOV_OK;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_JOURNAL, "", path,
				"an earlier command was interrupted in the middle of a change");
}

/* What the store lacks is told by the look at the store. */
static int open_view(struct iov_diagnosis *diagnosis)
{
	int rc = iov_view_open(diagnosis->ctx, &diagnosis->view);
	if (!rc || !iov_findings_are_clean(&diagnosis->findings))
		return IOV_OK;
	iov_auto(iov_free_ptr) char *path = iov_path(diagnosis->ctx, IOV_STATE "/current");
	if (!path)
		return iov_oom(diagnosis->ctx);
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_GENERATION, "", path,
				"the current generation cannot be read: %s", iov_error_text(diagnosis->ctx));
}

/* Then nothing of it runs, and each instance need not be told. */
static int look_at_live(struct iov_diagnosis *diagnosis, bool *ret_up)
{
	const struct iov_generation *current = diagnosis->view.current;
	iov_auto(iov_free_ptr) char *live = iov_tree_path(diagnosis->ctx, IOV_TREE_LIVE);
	if (!live)
		return iov_oom(diagnosis->ctx);
	*ret_up = !current->n_instances || iov_tree_holds(diagnosis->ctx, IOV_TREE_LIVE, current->number);
	if (*ret_up)
		return IOV_OK;
	return iov_findings_add(diagnosis->ctx, &diagnosis->findings, IOV_FOUND_BPFFS, "", live,
				"generation %" PRIu64
				" is not up: '%s' does not have it (bpffs was unmounted, or the host started again)",
				current->number, live);
}

int iov_diagnose(struct iov_ctx *ctx, struct iov_engine *engine, struct iov_diagnosis *ret)
{
	bool up = false;
	*ret = (struct iov_diagnosis){.ctx = ctx, .engine = engine};
	int rc = look_at_journal(ret);
	if (!rc)
		rc = iov_diagnose_store(ret);
	if (!rc)
		rc = open_view(ret);
	if (rc || !ret->view.plan)
		return rc;
	rc = look_at_live(ret, &up);
	if (!rc && up)
		rc = iov_diagnose_instances(ret);
	return rc ? rc : iov_diagnose_strays(ret);
}

void iov_diagnosis_release(struct iov_diagnosis *diagnosis)
{
	iov_findings_release(&diagnosis->findings);
	iov_view_release(&diagnosis->view);
}
