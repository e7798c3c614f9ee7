/*
 * The steps of a transaction, for the files of this room: run.c puts them together for a command, recover.c for what a
 * crash left behind. Each leaves a state from which iov_transaction_undo() or iov_transaction_finish() can go on,
 * whichever the facts ask for.
 */
#ifndef IOV_TRANSACTION_STEPS_H
#define IOV_TRANSACTION_STEPS_H

#include "transaction/transaction.h"
#include "transaction/tree.h"

struct iov_transaction {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	const struct iov_plan *plan;
	/*
	 * plan->to is current already and is brought up from nothing, after a boot. The journal then says from = to,
	 * the exchange of the trees is the commit, and what this kernel cannot run any more is left out with a warning,
	 * so that the host stays usable.
	 */
	bool restoring;
};

/* One site that a transaction changes. */
struct iov_moving {
	struct iov_site site;
	enum iov_change change; /* load, replace or unload */
	enum iov_move move;
	enum iov_carry carry;
	bool optional;
	/* One that comes to a place that takes one program, and one that goes from there, are partners: the one takes
	 * over the other's link. */
	bool has_partner;
	struct iov_site partner;
};

/* Calls `act` for every changed site whose instance is there, in plan order; `backwards`: the other way around, and
 * all of them, also after failures, of which the first is given. */
typedef int (*iov_moving_fn)(const struct iov_transaction *t, const struct iov_moving *moving, void *data);
int iov_transaction_each_site(const struct iov_transaction *t, iov_moving_fn act, bool backwards, void *data);
/*
 * Does one store move this set? A set of one hook needs none: its own replacement is one step already. Where entries
 * are to be merged or programs watched, there has to be a way back that is as quick.
 */
bool iov_transaction_stores(const struct iov_transaction *t);

/* Asks what can be asked without changing anything; failing needs no undo. */
int iov_transaction_check(const struct iov_transaction *t);
int iov_transaction_prepare(const struct iov_transaction *t);
int iov_transaction_switch(const struct iov_transaction *t);
/* The point of no return. On failure only iov_transaction_committed() knows on which side of it the host is. */
int iov_transaction_commit(const struct iov_transaction *t);
int iov_transaction_committed(const struct iov_transaction *t, bool *ret);
/* From the commit to the end of the journal. Can be repeated from any point. */
int iov_transaction_finish(const struct iov_transaction *t);
/* Back to plan->from, from any point before the commit. Goes on after errors and gives the first; the journal then
 * stays. Can be repeated. */
int iov_transaction_undo(const struct iov_transaction *t);

/* migrate.c: entries of maps that change. `copy` ahead of the switch; `merge` after it and a grace period, `back` in an
 * undo. Nothing where no map is in migration. */
int iov_transaction_copy(const struct iov_transaction *t);
int iov_transaction_merge(const struct iov_transaction *t, bool back);
/* Is any map in migration, by the pins in staging? */
bool iov_transaction_migrates(const struct iov_transaction *t);
/* What was kept for the merge goes, once the new maps are in force. */
int iov_transaction_end_migration(const struct iov_transaction *t);
/* health.c: what the manifests of loaded and replaced instances ask for, after the switch. IOV_E_UNHEALTHY names the
 * check. */
int iov_transaction_health(const struct iov_transaction *t);
bool iov_transaction_has_health(const struct iov_transaction *t);
/* persist.c: the saved entries of an instance's `persist` maps, before anything is attached, when it comes back: after
 * a boot, or later what a boot had to leave out. What is unloaded has none. */
int iov_transaction_fill(const struct iov_transaction *t, const struct iov_instance_change *change);

/* groups.c: the generation after `from`, when the running kernel takes other groups of `choose` than those that `from`
 * names; *ret stays as it is when it takes the same. */
int iov_transaction_choose_again(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *from,
				 struct iov_generation **ret);

/* Check, prepare, switch, commit, finish; or undo. */
int iov_transaction_execute(const struct iov_transaction *t);

/* Has the plan anything to do with the kernel? Without instances a host needs neither bpffs nor privileges. */
static inline bool iov_transaction_moves_kernel(const struct iov_transaction *t)
{
	return t->plan->n_instances > 0;
}

static inline const char *iov_change_instance(const struct iov_instance_change *change)
{
	return change->after ? change->after->name : change->before->name;
}

static inline struct iov_site iov_change_site(const struct iov_instance_change *change,
					      const struct iov_site_change *site)
{
	return (struct iov_site){.instance = iov_change_instance(change),
				 .program = site->program,
				 .section = site->section,
				 .target = site->target};
}

/* Several steps of which each is tried: the first failure stands. */
struct iov_failures {
	int rc;
	struct iov_saved_error first;
};
void iov_failures_note(struct iov_ctx *ctx, struct iov_failures *failures, int rc);
int iov_failures_end(struct iov_ctx *ctx, struct iov_failures *failures);

/* Loads a new or replaced instance into staging (load.c). */
int iov_transaction_load(const struct iov_transaction *t, const struct iov_instance_change *change);
/* May the transaction go on without what failed with this code? (switch.c) */
bool iov_transaction_can_do_without(const struct iov_transaction *t, int code, bool optional);
/* What a site of this tree runs now; nothing where this kernel has no hook for it. */
int iov_transaction_running(const struct iov_transaction *t, const struct iov_site *site, enum iov_tree tree,
			    struct iov_running *ret);
/* Every site that moves by the store gets its entry. */
int iov_transaction_arm(const struct iov_transaction *t);
/* What is not attached because an optional site, or a restore, can do without it. */
int iov_transaction_not_attached(const struct iov_transaction *t, const struct iov_moving *moving, int rc);
/* Ends a site of the tree at `staging`: of the new one in an undo, of the old one after the exchange. What has vanished
 * is detached. */
int iov_transaction_detach(const struct iov_transaction *t, const struct iov_site *site);
/* The same, but what a partner has taken over goes on. */
int iov_transaction_end_site(const struct iov_transaction *t, const struct iov_moving *moving);
/* One call of the engine on a site, with its instance's folder in a tree. */
int iov_transaction_on_site(const struct iov_transaction *t,
			    int (*act)(struct iov_engine *engine, const struct iov_site *site, const char *dir),
			    const struct iov_site *site, enum iov_tree tree);
int iov_transaction_remove_tree(const struct iov_transaction *t, enum iov_tree tree);

#endif
