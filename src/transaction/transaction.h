/*
 * The one way by which a host changes: from generation N to N+1, or not at all. Install, load, upgrade, remove,
 * rollback, restore after boot and recovery after a crash are all this.
 *
 * bpffs below <root>/sys/fs/bpf/iovpkg: `live` is the running tree, `staging` the tree being built. Each has a folder
 * per instance and one empty folder generation_<N> that says which generation it is ('_' cannot be in an instance's
 * name). Steps:
 *
 *   check    bpffs is mounted, the targets of new sites exist. Changes nothing.
 *   prepare  begin the journal, write generation N+1 (not current); build staging: unchanged instances adopted,
 *            new and replaced ones loaded and pinned, providers first; replaced sites adopted. Nothing that runs was
 *            touched: failing here removes staging.
 *   switch   in plan order, site by site: swap, attach new. Undo is the same in reverse.
 *   settle   commit the generation (`current` -> N+1): from here on the transaction goes forward. Exchange staging and
 *            live, detach what went away (importers first), remove the old tree, end the journal, collect old
 *            generations.
 *
 * Recovery looks at facts only.
 *   No journal: clean.
 *   `current` = to: go forward (exchange if staging is still generation_<to>, detach, remove).
 *   `current` = from: go back: every site of N runs the program pinned in live, else swap it back; sites only in N+1
 *            are detached; staging goes.
 *   Another boot_id: nothing of the kernel's is left; `current` is brought up anew. That is the same transaction from
 *            an empty generation, with from = to in the journal and the exchange as its commit. What this kernel
 *            refuses then is left out with a warning, so that the host stays usable.
 *
 * A plan without instances needs no kernel and no privileges. docs/transaction.md says what a crash leaves at each
 * step.
 */
#ifndef IOV_TRANSACTION_TRANSACTION_H
#define IOV_TRANSACTION_TRANSACTION_H

#include "engine/engine.h"

/*
 * Gives each instance of `to` whose module has `choose` the first group that this kernel takes; one that runs in `from`
 * with the same release and settings keeps its own. Groups are tried and nothing of them is kept. What is passed over
 * is told. IOV_E_UNSUPPORTED names every group of an instance and why the kernel does not take it.
 */
int iov_transaction_choose(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *from,
			   struct iov_generation *to);
/* The lock is held. `to` is numbered and not yet written. On failure the host is at plan->from, and the error of the
 * first thing that failed stands. After the commit nothing fails any more: what could not be cleared away is warned of,
 * and left to the next command. */
int iov_transaction_run(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_plan *plan);
/* Ends a transaction that a crash left behind, and brings up the current generation where the kernel has nothing of it
 * (after boot). The lock is held. */
int iov_transaction_recover(struct iov_ctx *ctx, struct iov_engine *engine);
/* Saves the maps under `persist` of a generation that runs; adds {"instance", "map", "entries", "file"} to *ret_maps
 * for each. Goes on after failures, and gives the first. The lock is held. */
int iov_transaction_save(struct iov_ctx *ctx, struct iov_engine *engine, const struct iov_generation *generation,
			 json_t *ret_maps);
/* Is there anything for recover to do? Cheap; needs no lock. */
bool iov_transaction_pending(struct iov_ctx *ctx);

#endif
