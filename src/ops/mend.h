/*
 * What `doctor --fix` does about what was found. First what single steps mend, each of which can be repeated: entries
 * of the store are fetched or built, what is left over goes, maps and programs in use whose pins were lost are pinned
 * again, hooks that run something else run the pinned program. What differs then asks for a change like every other:
 * the instances are brought up anew by a transaction from generation N to N+1, whose record says which ones were
 * renewed, so that a crash in it is recovered from like any other.
 */
#ifndef IOV_OPS_MEND_H
#define IOV_OPS_MEND_H

#include "ops/diagnose.h"
#include "ops/edit.h"

/* Holds the lock; opens the edit. */
int iov_mend(struct iov_edit *edit, const struct iov_findings *found);
/* Fetches again what the store lacks of the current generation's releases, and drops built objects that are damaged, so
 * that they are built again (mend_store.c). */
int iov_mend_store(struct iov_ctx *ctx, const struct iov_findings *found);

#endif
