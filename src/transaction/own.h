/*
 * Whose is a pin? Below our folder of bpffs everything of our making has a known place:
 *   live|staging / generation_<N>                                  a tree's mark
 *   live|staging / <instance> / progs|maps|links|... / <pin>       an instance's pins
 *   live|staging / <instance> / base / <map> / <pin>               of a map in migration
 * What stands anywhere else was put there by another tool, and is never touched. Works alike on plain files.
 */
#ifndef IOV_TRANSACTION_OWN_H
#define IOV_TRANSACTION_OWN_H

#include "engine/engine.h"
#include "transaction/tree.h"

/* Is this entry beside the trees one of ours? */
bool iov_own_is_top(const char *name);
/* Is `name` the folder of one kind of pins of an instance: "progs", "maps", ...? */
bool iov_own_is_kind(const char *name);
/* Is this folder of a tree an instance's: are there folders of pins in it, and nothing else? */
bool iov_own_is_instance(const char *dir);
/* Is this the mark of a tree, generation_<N>? */
bool iov_own_is_mark(const char *name);
/* Calls `each` with the path of everything in a tree that is not ours. A missing tree has nothing. */
int iov_own_each_foreign(struct iov_ctx *ctx, const char *tree,
			 int (*each)(struct iov_ctx *ctx, const char *path, void *data), void *data);
/* Removes what is ours of a tree. What is not stays where it is in live, and moves from staging to the same place in
 * live. */
int iov_own_remove_tree(struct iov_engine *engine, enum iov_tree tree);

#endif
