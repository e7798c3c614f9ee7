/*
 * The two pin trees in bpffs, `live` and `staging` (transaction/transaction.h). Each has a folder per instance and an
 * empty folder generation_<N> that marks what it holds; '_' cannot be in an instance's name, so the two never meet.
 * Works alike on plain files.
 */
#ifndef IOV_TRANSACTION_TREE_H
#define IOV_TRANSACTION_TREE_H

#include "core/ctx.h"

enum iov_tree { IOV_TREE_LIVE, IOV_TREE_STAGING };

/* Paths; owned by the caller, NULL: no memory. */
char *iov_tree_path(const struct iov_ctx *ctx, enum iov_tree tree);
char *iov_tree_instance(const struct iov_ctx *ctx, enum iov_tree tree, const char *instance);

bool iov_tree_exists(const struct iov_ctx *ctx, enum iov_tree tree);
bool iov_tree_has(const struct iov_ctx *ctx, enum iov_tree tree, const char *instance);
/* Makes the tree and its mark; what is there already is kept. */
int iov_tree_make(struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation);
/* Does the tree carry this generation's mark? */
bool iov_tree_holds(const struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation);
/* Is its mark out of sight for a caller without privileges? */
bool iov_tree_is_hidden(const struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation);
/* Names of the instances in the tree, sorted; none where there is no tree. Free with iov_fs_names_free(). */
int iov_tree_instances(struct iov_ctx *ctx, enum iov_tree tree, char ***ret_names, size_t *ret_count);

#endif
