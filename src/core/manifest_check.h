/* What one key of a manifest says about another: the checks that no schema can make. */
#ifndef IOV_CORE_MANIFEST_CHECK_H
#define IOV_CORE_MANIFEST_CHECK_H

#include "core/manifest.h"
#include "core/node.h"

/* `tree` is what the manifest was read from, for the places in error texts. */
int iov_manifest_check(struct iov_ctx *ctx, const char *path, const struct iov_node *tree,
		       const struct iov_manifest *manifest);

#endif
