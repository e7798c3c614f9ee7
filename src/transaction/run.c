#include "transaction/steps.h"

#include <inttypes.h>

#include "state/journal.h"
#include "core/fault.h"
#include "util/cleanup.h"

static int begin(const struct iov_transaction *t)
{
	uint64_t to = t->plan->to->number;
	return iov_journal_begin(t->ctx, t->restoring ? to : t->plan->from->number, to);
}

/* What made the transaction fail is what the user hears; what the undo could not do waits in the journal. */
static int give_up(const struct iov_transaction *t)
{
	struct iov_saved_error first = iov_error_save(t->ctx);
	if (iov_transaction_undo(t))
		iov_warn(t->ctx,
			 "going back to generation %" PRIu64 " is not complete: %s; the next command goes on with it",
			 t->plan->from->number, iov_error_text(t->ctx));
	return iov_error_restore(t->ctx, first);
}

/* The generation is in force; a failure to clean up after it is no failure of the command. */
static int go_forward(const struct iov_transaction *t)
{
	if (iov_transaction_finish(t))
		iov_warn(t->ctx,
			 "generation %" PRIu64
			 " is in force, but what it replaced is not cleared away: %s; the next command goes on with it",
			 t->plan->to->number, iov_error_text(t->ctx));
	return IOV_OK;
}

static int conclude(const struct iov_transaction *t, int rc)
{
	bool committed = true;
	struct iov_failures failures = {0};
	if (!rc)
		return go_forward(t);
	iov_failures_note(t->ctx, &failures, rc);
	int unknown = iov_transaction_committed(t, &committed);
	rc = iov_failures_end(t->ctx, &failures);
	if (unknown)
		return rc;
	if (!committed)
		return give_up(t);
	iov_warn(t->ctx, "%s", iov_error_text(t->ctx)); /* it is current, but perhaps not yet safe from a power cut */
	return go_forward(t);
}

/* Until the last of them the way back is open. */
static int (*const phases[])(const struct iov_transaction *t) = {
	iov_transaction_prepare,
	iov_transaction_switch,
	iov_transaction_health,
	iov_transaction_commit,
};

int iov_transaction_execute(const struct iov_transaction *t)
{
	int rc = iov_transaction_check(t);
	if (rc)
		return rc;
	rc = begin(t);
	if (!rc)
		rc = iov_fault(t->ctx, "journal begun");
	for (size_t i = 0; !rc && i < IOV_COUNT(phases); i++) {
		rc = iov_stop_asked(t->ctx);
		if (!rc)
			rc = phases[i](t);
	}
	return conclude(t, rc);
}

int iov_transaction_run(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_plan *plan)
{
	const struct iov_transaction t = {.ctx = ctx, .engine = engine, .plan = plan};
	int rc = iov_transaction_pending(ctx) ? iov_transaction_recover(ctx, engine) : IOV_OK;
	return rc ? rc : iov_transaction_execute(&t);
}
