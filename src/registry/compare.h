/* One log seen from two sides: does the one extend the other, or are they a fork? */
#ifndef IOV_REGISTRY_COMPARE_H
#define IOV_REGISTRY_COMPARE_H

#include "core/json.h"
#include "registry/head.h"

/* `what` is a registry's name, path or URL (subject.h). `other` is the file of a checkpoint, or the path or URL of a
 * copy that says it is the same registry. *ret: {"consistent", "origin", "ours": {"root", "size"}, "relation",
 * "theirs": …}; relation is "same", "ours extends theirs", "theirs extends ours" or "fork". IOV_E_CONFLICT when theirs
 * is longer and there is nothing to prove it by. A new reference. */
int iov_registry_compare_with(struct iov_ctx *ctx, const char *what, const char *other, json_t **ret);

#endif
