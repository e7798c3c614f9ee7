#include "transaction/steps.h"

#include <inttypes.h>
#include <string.h>

#include "plan/make.h"
#include "state/generations.h"
#include "state/journal.h"
#include "core/fault.h"
#include "util/cleanup.h"
#include "util/fs.h"

static int empty_generation(struct iov_ctx *ctx, uint64_t number, struct iov_generation **ret)
{
	struct iov_generation *generation = calloc(1, sizeof(*generation));
	if (!generation)
		return iov_oom(ctx);
	generation->number = number;
	*ret = generation;
	return IOV_OK;
}

/* The side of a crashed transaction that is not in force may be unwritten yet, or removed already; then nothing of it
 * runs. */
static int read_or_empty(struct iov_ctx *ctx, uint64_t number, struct iov_generation **ret)
{
	if (number && !iov_generation_read(ctx, number, ret))
		return IOV_OK;
	return empty_generation(ctx, number, ret);
}

static int read_side(struct iov_ctx *ctx, uint64_t number, uint64_t current, struct iov_generation **ret)
{
	if (number && number == current)
		return iov_generation_read(ctx, number, ret);
	return read_or_empty(ctx, number, ret);
}

static int conclude(const struct iov_transaction *t)
{
	bool committed = false;
	int rc = iov_transaction_moves_kernel(t) ? t->engine->ops->prepare(t->engine) : IOV_OK;
	if (!rc)
		rc = iov_transaction_committed(t, &committed);
	if (rc)
		return rc;
	return committed ? iov_transaction_finish(t) : iov_transaction_undo(t);
}

/* Makes the plan that was being carried out once more, and goes to the end of it that is nearer. */
static int end_crashed(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_journal *journal,
		       uint64_t current)
{
	iov_auto(iov_generation_release) struct iov_generation *from = NULL;
	iov_auto(iov_generation_release) struct iov_generation *to = NULL;
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	struct iov_transaction t = {.ctx = ctx, .engine = engine, .restoring = journal->from == journal->to};
	if (current != journal->from && current != journal->to)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "the journal leads from generation %" PRIu64 " to %" PRIu64 ", but %" PRIu64
				 " is current; put back the link 'current' in %s" IOV_STATE ", then try again",
				 journal->from, journal->to, current, ctx->root);
	int rc = read_side(ctx, journal->to, current, &to);
	if (!rc)
		rc = t.restoring ? empty_generation(ctx, 0, &from) : read_side(ctx, journal->from, current, &from);
	if (!rc)
		rc = iov_plan_make_with(ctx, from, to, IOV_PLAN_BACK, &plan); /* it was agreed to before */
	t.plan = plan;
	return rc ? rc : conclude(&t);
}

/* The kernel that the journal speaks of is gone, and everything that it held. */
static int forget_boot(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_journal *journal,
		       uint64_t current)
{
	const struct iov_transaction t = {.ctx = ctx, .engine = engine};
	int rc = iov_transaction_remove_tree(&t, IOV_TREE_STAGING);
	if (!rc)
		rc = iov_transaction_remove_tree(&t, IOV_TREE_LIVE);
	if (!rc && journal->to > current)
		rc = iov_generation_remove(ctx, journal->to);
	if (!rc)
		rc = iov_fault(ctx, "old boot forgotten");
	return rc ? rc : iov_journal_end(ctx);
}

static int end_journal(struct iov_ctx *ctx, struct iov_engine *engine)
{
	struct iov_journal journal = {0};
	char boot_id[sizeof(journal.boot_id)];
	bool present = false;
	uint64_t current = 0;
	int rc = iov_journal_read(ctx, &journal, &present);
	if (rc || !present)
		return rc;
	rc = iov_boot_id(ctx, boot_id);
	if (!rc)
		rc = iov_generation_current_number(ctx, &current);
	if (rc)
		return rc;
	iov_note(ctx, "ending what an earlier command left undone");
	if (strcmp(boot_id, journal.boot_id) != 0)
		return forget_boot(ctx, engine, &journal, current);
	return end_crashed(ctx, engine, &journal, current);
}

static bool is_up(const struct iov_ctx *ctx, const struct iov_generation *generation)
{
	return !generation->n_instances || iov_tree_holds(ctx, IOV_TREE_LIVE, generation->number);
}

/* Another kernel may take other groups of `choose`. Nothing runs, so the generation that says so is in force at once.
 */
static int choose_groups(struct iov_ctx *ctx, struct iov_engine *engine, struct iov_generation **current)
{
	iov_auto(iov_generation_release) struct iov_generation *next = NULL;
	int rc = iov_transaction_choose_again(ctx, engine, *current, &next);
	if (rc || !next)
		return rc;
	rc = iov_generation_write(ctx, next);
	if (!rc)
		rc = iov_fault(ctx, "groups chosen");
	if (!rc)
		rc = iov_generation_commit(ctx, next->number);
	if (rc)
		return rc;
	iov_generation_free(*current);
	*current = iov_take(next);
	return iov_fault(ctx, "groups in force");
}

static int bring_up(struct iov_ctx *ctx, struct iov_engine *engine)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_plan_release) struct iov_plan *plan = NULL;
	const struct iov_generation nothing = {0};
	int rc = iov_generation_current(ctx, &current);
	if (rc || is_up(ctx, current))
		return rc;
	rc = choose_groups(ctx, engine, &current);
	if (!rc)
		rc = iov_plan_make(ctx, &nothing, current, &plan);
	if (rc)
		return rc;
	iov_note(ctx, "bringing up generation %" PRIu64 ", of which the kernel has nothing", current->number);
	return iov_transaction_execute(
		&(struct iov_transaction){.ctx = ctx, .engine = engine, .plan = plan, .restoring = true});
}

int iov_transaction_recover(struct iov_ctx *ctx, struct iov_engine *engine)
{
	int rc = end_journal(ctx, engine);
	return rc ? rc : bring_up(ctx, engine);
}

/* Two stat calls on a host that is well. Who may not look into bpffs cannot repair it either, and asks the journal
 * only. */
bool iov_transaction_pending(struct iov_ctx *ctx)
{
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_free_ptr) char *journal = iov_path(ctx, IOV_STATE "/journal");
	uint64_t number = 0;
	if (journal && iov_fs_exists(journal))
		return true;
	if (iov_generation_current_number(ctx, &number) || !number)
		return false;
	if (iov_tree_holds(ctx, IOV_TREE_LIVE, number) || iov_tree_is_hidden(ctx, IOV_TREE_LIVE, number))
		return false;
	return !iov_generation_current(ctx, &current) && current->n_instances > 0;
}
