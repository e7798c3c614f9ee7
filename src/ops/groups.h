/* Which groups of `choose` the instances of an edit will run. */
#ifndef IOV_OPS_GROUPS_H
#define IOV_OPS_GROUPS_H

#include "ops/edit.h"

/* By trying (transaction/transaction.h); a dry run, which tries nothing, says what hooks and facts make likely. */
int iov_groups_choose(struct iov_edit *edit);

#endif
